"""Which feeds a web page names. Runs in the reader's process, no Django."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

FEED_TYPES = frozenset({
    "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json", "text/xml",
    "application/xml", "application/json",
})  # fmt: skip
MAX_PAGE_BYTES = 1_000_000
MAX_FEEDS = 20


def feeds_named_in(data: bytes, *, url: str) -> list[dict[str, str]]:
    """``url`` and ``title`` of each ``<link rel="alternate">`` to a feed, in the page's order."""
    reader = _Page(url)
    reader.feed(data[:MAX_PAGE_BYTES].decode("utf-8", "replace"))
    by_url = {feed["url"]: feed for feed in reversed(reader.feeds)}
    return list(reversed(by_url.values()))[:MAX_FEEDS]


class _Page(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.base_url = url
        self.feeds: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values: dict[str, Any] = {name: value or "" for name, value in attrs}
        if tag == "base" and values.get("href"):
            self.base_url = _joined(self.base_url, values["href"]) or self.base_url
        if tag == "link" and self._is_feed(values):
            url = _joined(self.base_url, values.get("href", ""))
            if url.startswith(("http://", "https://")):
                self.feeds.append({"url": url, "title": " ".join(values.get("title", "").split())[:200]})

    def _is_feed(self, values: dict[str, Any]) -> bool:
        kind = values.get("type", "").partition(";")[0].strip().lower()
        return kind in FEED_TYPES and "alternate" in values.get("rel", "").lower().split()


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return ""
