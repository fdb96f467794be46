"""Feeds and pictures for tests, written here."""

from __future__ import annotations

import io
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image

NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/"'
)


def rss(*items: str, title: str = "Harbor Wire", head: str = "") -> bytes:
    """An RSS 2.0 document of these items."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" {NAMESPACES}><channel>'
        f"<title>{title}</title><link>/</link>{head}{''.join(items)}</channel></rss>"
    ).encode()


def item(number: int | str = 1, *, more: str = "", **fields: str | None) -> str:
    """An item with id, link, title and text; None leaves a field out, ``more`` is XML that is put in as it is."""
    values: dict[str, str | None] = {
        "title": f"What happened in story {number}",
        "link": f"https://news.example/{number}",
        "guid": f"id-{number}",
        "description": f"The summary of story {number}.",
        **fields,
    }
    elements = (f"<{name}>{escape(value)}</{name}>" for name, value in values.items() if value is not None)
    return f"<item>{''.join(elements)}{more}</item>"


def picture(width: int = 1600, height: int = 1000, *, format: str = "JPEG", mode: str = "RGB", **details: Any) -> bytes:  # noqa: A002 (as Pillow calls it)
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, format, **details)
    return buffer.getvalue()
