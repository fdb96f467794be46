"""JSON Feed 1.0 and 1.1, in the shape that feedparser gives to the others. Runs in the reader's process, no Django."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from time import struct_time
from types import SimpleNamespace
from typing import Any

VERSION_PREFIXES = ("https://jsonfeed.org/version/", "http://jsonfeed.org/version/")
UTF8_MARK = b"\xef\xbb\xbf"


def looks_like_json(data: bytes) -> bool:
    return data.removeprefix(UTF8_MARK).replace(b"\0", b"")[:100].lstrip(b"\xff\xfe \t\r\n").startswith(b"{")


def read(data: bytes) -> Any:
    """``version``, ``feed`` and ``entries`` as from feedparser; version is "" if it is some other JSON."""
    try:
        document = json.loads(data.removeprefix(UTF8_MARK))
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    items = [item for item in _list(document.get("items")) if isinstance(item, dict)]
    is_feed = _text(document.get("version")).startswith(VERSION_PREFIXES) or (items and "title" in document)
    return SimpleNamespace(
        version="json" if is_feed else "",
        feed=_feed(document) if is_feed else {},
        entries=[_entry(item, document) for item in items] if is_feed else [],
    )


def _feed(document: dict[str, Any]) -> dict[str, Any]:
    hubs = (hub for hub in _list(document.get("hubs")) if isinstance(hub, dict))
    links = [{"rel": "hub", "href": _text(hub.get("url"))} for hub in hubs if _text(hub.get("type")) == "WebSub"]
    links.append({"rel": "self", "href": _text(document.get("feed_url"))})
    return {
        **_plain("title", document.get("title")),
        "link": _text(document.get("home_page_url")),
        "language": _text(document.get("language")),
        "links": links,
    }


def _entry(item: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    authors = _authors(item) or _authors(document)
    language = _text(item.get("language"))
    return {
        "id": _text(item.get("id")),
        "link": _text(item.get("url")) or _text(item.get("external_url")),
        **_plain("title", item.get("title"), language=language),
        **_plain("summary", item.get("summary")),
        "content": [
            {"type": "text/html", "value": _text(item.get("content_html"))},
            {"type": "text/plain", "value": _text(item.get("content_text"))},
        ],
        "authors": [{"name": name} for name in authors],
        "tags": [{"term": _text(tag)} for tag in _list(item.get("tags"))],
        "published_parsed": _time(item.get("date_published")),
        "updated_parsed": _time(item.get("date_modified")),
        "media_content": [{"url": url, "medium": "image"} for url in _pictures(item)],
        "links": [_enclosure(one) for one in _list(item.get("attachments")) if isinstance(one, dict)],
    }


def _plain(name: str, value: object, **detail: str) -> dict[str, Any]:
    text = _text(value)
    return {name: text, f"{name}_detail": {"type": "text/plain", "value": text, **detail}}


def _authors(of: dict[str, Any]) -> list[str]:
    """Version 1.1 has a list, 1.0 one author."""
    authors = [*_list(of.get("authors")), of.get("author")]
    return list(filter(None, (_text(author.get("name")) for author in authors if isinstance(author, dict))))


def _pictures(item: dict[str, Any]) -> Iterable[str]:
    return filter(None, (_text(item.get(name)) for name in ("image", "banner_image")))


def _enclosure(attachment: dict[str, Any]) -> dict[str, str]:
    return {
        "rel": "enclosure", "href": _text(attachment.get("url")), "type": _text(attachment.get("mime_type"))
    }  # fmt: skip


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """A string, without halves of characters, which JSON can hold and nothing else can; numbers are ids of some."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).encode("utf-8", "replace").decode()


def _time(value: object) -> struct_time | None:
    try:
        moment = datetime.fromisoformat(_text(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).utctimetuple()
    except (ValueError, OverflowError):
        return None
