"""What a feed says, as plain, clean values. Runs in the reader's process (``reading``) and imports no Django."""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any
from urllib.parse import urljoin

import feedparser

from articles import embeds
from articles.addresses import absolute_url
from articles.feeds import json_feed
from articles.feeds.wording import MAX_SUMMARY_LENGTH, shortened
from articles.sanitizing import clean_html, clean_text, images_of, plain_text, without_image

MAX_TITLE_LENGTH = 300
MAX_NAME_LENGTH = 120
MAX_AUTHORS = 8
MAX_CATEGORIES = 30
EARLIEST = 631_152_000  # 1990: a date before the web is a mistake
LATEST = 7_258_118_400  # 2200
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PICTURE_NAME = re.compile(r"\.(jpe?g|png|gif|webp)$", re.IGNORECASE)

Entry = dict[str, Any]


def extract(data: bytes, *, url: str, content_type: str = "", max_items: int = 500) -> dict[str, Any]:
    """The feed as plain, clean values, or {"error": …} if it is none. Broken documents may raise anything at all."""
    found = json_feed.read(data) if json_feed.looks_like_json(data) else _parsed(data, content_type)
    if not found.version and not found.entries:
        return {"error": "not a feed"}
    feed = found.feed
    if not found.version.startswith(("atom", "json")):
        for entry in (feed, *found.entries[:max_items]):
            _read_tags_as_html(entry)
    language = _language(feed.get("language"))
    return {
        "title": _text(feed, "title")[:200],
        "site_url": absolute_url(feed.get("link") or "", _base_url(feed, url))[:1000],
        "language": language,
        "hub_url": _linked(feed, "hub", url),
        "self_url": _linked(feed, "self", url),
        "older_url": _linked(feed, "prev-archive", url) or _linked(feed, "next", url),
        "items": [_item_or_blank(entry, url=url, language=language) for entry in found.entries[:max_items]],
    }


def _parsed(data: bytes, content_type: str) -> Any:
    # Without a base address feedparser leaves relative ones, and ids that only look like one, as they are.
    headers = {"content-type": content_type or "application/xml"}
    return feedparser.parse(
        io.BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _linked(feed: Entry, rel: str, base_url: str) -> str:
    """Where the feed says that it can be had (self), who pushes its news (hub), what came before (RFC 5005)."""
    named = (link.get("href") for link in feed.get("links", ()) if link.get("rel") == rel)
    return next((url for url in (absolute_url(href or "", base_url) for href in named) if url), "")[:1000]


def _item_or_blank(entry: Entry, *, url: str, language: str) -> dict[str, Any]:
    """The item, or a blank one (which the import refuses in words) if what it says cannot be made sense of."""
    try:
        return _item(entry, url=url, language=language)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return _item({}, url="", language="")


def _item(entry: Entry, *, url: str, language: str) -> dict[str, Any]:
    base_url = _base_url(entry, url)
    teaser, body = _html(entry, "summary", base_url), _body(entry, base_url)
    body = body or teaser
    picture = _picture(entry, base_url, body)
    summary = shortened(plain_text(embeds.without(teaser or body)), MAX_SUMMARY_LENGTH)
    return {
        "guid": clean_text(str(entry.get("id") or "")).strip(),
        "link": absolute_url(_link(entry), base_url),
        "title": shortened(_text(entry, "title"), MAX_TITLE_LENGTH) or shortened(summary, 80),
        "summary": summary,
        "teaser_html": teaser if teaser != body else "",
        "body_html": without_image(body, picture["url"]) if picture else body,
        "authors": _names(map(_author, entry.get("authors", ())))[:MAX_AUTHORS],
        "categories": _names(tag.get("label") or tag.get("term") for tag in entry.get("tags", ()))[:MAX_CATEGORIES],
        "published_at": _time(entry, "published_parsed", "created_parsed", "updated_parsed"),
        "updated_at": _time(entry, "updated_parsed", "published_parsed"),
        "picture": picture,
        "language": _language(_detail(entry, "title").get("language")) or language,
    }


# --- texts ------------------------------------------------------------------------------------------------------------
def _detail(entry: Entry, name: str) -> dict[str, Any]:
    return dict.get(entry, f"{name}_detail") or {}


def _text(entry: Entry, name: str) -> str:
    """A plain text; what the document calls HTML, or RSS leaves open, has its markup removed."""
    value = str(dict.get(entry, name) or "")
    if _detail(entry, name).get("type") == "text/plain":
        return " ".join(clean_text(value).split())
    return plain_text(value)


def _html(entry: Entry, name: str, base_url: str) -> str:
    value, detail = str(dict.get(entry, name) or ""), _detail(entry, name)
    # feedparser lets media:description overwrite the detail, but not the value, of a description
    is_plain = detail.get("type") == "text/plain" and detail.get("value") == value
    return clean_html(_paragraphs(value) if is_plain else value, base_url)


def _body(entry: Entry, base_url: str) -> str:
    """The longest of the item's full texts, clean; "" if it has none."""
    texts = [content for content in entry.get("content", ()) if isinstance(content.get("value"), str)]
    htmls = [
        clean_html(content["value"], urljoin(base_url, content.get("base") or ""))
        if content.get("type") in HTML_TYPES
        else clean_html(_paragraphs(content["value"]))
        for content in texts
        if content.get("type") in HTML_TYPES | {"text/plain"}
    ]
    return max(htmls, key=len, default="")


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in re.split(r"\n\s*\n", text) if part.strip())


def _read_tags_as_html(entry: Entry) -> None:
    """RSS does not say whether a text is HTML: whatever has a tag in it is."""
    for detail in (_detail(entry, "title"), _detail(entry, "summary"), *entry.get("content", ())):
        if "<" in (detail.get("value") or ""):
            detail["type"] = "text/html"


def _base_url(entry: Entry, url: str) -> str:
    """What the item's relative addresses are relative to: xml:base if there is one, itself relative to the feed."""
    details = [_detail(entry, "title"), _detail(entry, "summary"), *entry.get("content", ())]
    base = next((detail["base"] for detail in details if detail.get("base")), "")
    return urljoin(url, str(base))


def _link(entry: Entry) -> str:
    """The item's address. An id that RSS declares to be one by default, but that is none, does not count."""
    link = str(entry.get("feedburner_origlink") or entry.get("link") or "")
    is_only_id = link == entry.get("id") and not link.startswith(("http://", "https://", "/"))
    return "" if is_only_id else link


def _author(author: dict[str, Any]) -> str:
    """The name. Of "mail@address (Name)" feedparser leaves "ess (Name" if it does not know the top-level domain."""
    name = str(author.get("name") or "")
    _mail, parenthesis, rest = name.partition("(")
    return rest if parenthesis and ")" not in rest else name


def _names(values: Iterable[str | None]) -> list[str]:
    """Names without repetitions; an e-mail address is nobody's name."""
    names = {plain_text(value or "")[:MAX_NAME_LENGTH].strip(): None for value in values}
    return [name for name in names if name and "@" not in name]


def _language(value: str | None) -> str:
    code = (value or "").strip().replace("_", "-")
    return code if len(code) <= 16 and _LANGUAGE.fullmatch(code) else ""


def _time(entry: Entry, *names: str) -> int | None:
    for name in names:
        value = dict.get(entry, name)
        if value and EARLIEST <= (seconds := calendar.timegm(value)) <= LATEST:
            return seconds
    return None


# --- pictures ---------------------------------------------------------------------------------------------------------
def _picture(entry: Entry, base_url: str, body: str) -> dict[str, str] | None:
    """The picture that stands for the item: what the feed names as one, else the first in the text."""
    in_text = [image for image in images_of(body) if not image["src"].lower().endswith(".svg")]
    named = (absolute_url(candidate, base_url) for candidate in _named_pictures(entry))
    url = next((url for url in named if url), "") or (in_text[0]["src"] if in_text else "")
    if not url or len(url) > 1000:
        return None
    alt = plain_text(str(entry.get("media_text") or ""))
    alt = alt or next((image.get("alt", "") for image in in_text if image["src"] == url), "")
    return {"url": url, "alt": alt[:MAX_TITLE_LENGTH], "credit": _credit(entry)[:200]}


def _named_pictures(entry: Entry) -> Iterator[str]:
    media = [one for one in entry.get("media_content", ()) if _is_picture(one, one.get("url"))]
    yield from (one["url"] for one in sorted(media, key=_width, reverse=True) if one.get("url"))
    yield from (link["href"] for link in entry.get("links", ()) if _is_enclosed_picture(link))
    thumbnails = entry.get("media_thumbnail", ())
    yield from (one["url"] for one in sorted(thumbnails, key=_width, reverse=True) if one.get("url"))
    image = entry.get("image") or {}
    yield image.get("href") or image.get("url") or ""


def _is_picture(media: dict[str, Any], url: str | None) -> bool:
    kind = media.get("type") or ""
    if kind.startswith("image/"):
        return "svg" not in kind
    return media.get("medium") == "image" or (not kind and bool(_PICTURE_NAME.search(url or "")))


def _is_enclosed_picture(link: dict[str, Any]) -> bool:
    return link.get("rel") == "enclosure" and bool(link.get("href")) and _is_picture(link, link["href"])


def _width(media: dict[str, Any]) -> int:
    width = media.get("width") or ""
    return int(width[:6]) if width.isdecimal() else 0


def _credit(entry: Entry) -> str:
    credits_ = entry.get("media_credit") or [{}]
    return plain_text(str(credits_[0].get("content") or ""))
