"""Turn the bytes of an RSS, Atom or JSON Feed document into a ParsedFeed, whatever the bytes are.

The reading itself happens in a child process (``readers``), so what is guaranteed is: ``parse`` ends within
PARSE_SECONDS, a hostile document can take at most PARSE_MEGABYTES of memory and PARSE_SECONDS of one processor, nothing
is fetched and no file opened because of what the document says, and the outcome is a ParsedFeed or a ParseError.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from articles.feeds.excess import is_excessive
from articles.feeds.readers import ReaderFailed, Readers, ReaderTimedOut

PARSE_SECONDS = 30
PARSE_MEGABYTES = 1024
MAX_ITEMS = 500

_READERS = Readers("articles.feeds.reading")


@dataclass(frozen=True)
class NamedFeed:
    """A feed that a web page names."""

    url: str
    title: str = ""


class ParseError(Exception):
    """These bytes are no feed that we can read. The message is a sentence for people."""

    def __init__(self, message: str, *, named_feeds: tuple[NamedFeed, ...] = ()) -> None:
        super().__init__(message)
        self.named_feeds = named_feeds


@dataclass(frozen=True)
class ParsedPicture:
    url: str
    alt: str = ""
    credit: str = ""


@dataclass(frozen=True)
class ParsedItem:
    """One item. Texts are plain, ``body_html`` is clean, addresses are absolute http(s), times aware; "" is missing."""

    guid: str
    link: str
    title: str
    summary: str
    body_html: str
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    picture: ParsedPicture | None = None
    language: str = ""
    teaser_html: str = ""  # what ``summary`` was made from, unless that is the body


@dataclass(frozen=True)
class ParsedFeed:
    """A feed and at most MAX_ITEMS of its items, in the document's order."""

    title: str
    site_url: str
    language: str
    items: tuple[ParsedItem, ...]
    hub_url: str = ""
    self_url: str = ""
    older_url: str = ""  # the page that goes on where this one ends


def parse(data: bytes, *, url: str, content_type: str = "") -> ParsedFeed:
    """Read a feed that came from ``url``. Raises ParseError if it is not one, or a dangerous one."""
    if not data.strip():
        raise ParseError(_("The document is empty."))
    if declares_entities(data):
        raise ParseError(_("The document defines entities of its own (a DOCTYPE with ENTITY), which is not allowed."))
    if is_excessive(data):
        raise ParseError(_("The document has more items, categories or attributes than any feed needs."))
    result = _run_reader(data, url=url, content_type=content_type)
    if "error" in result:
        raise ParseError(_not_a_feed(data), named_feeds=tuple(NamedFeed(**named) for named in result["named_feeds"]))
    return _feed(result)


def declares_entities(data: bytes) -> bool:
    """Whether a DOCTYPE before the root element defines general entities ("billion laughs").

    Parameter entities, with which old RSS 1.0 documents name HTML's character set, are harmless: nobody expands them.
    """
    text = data.replace(b"\0", b"")  # UTF-16 and UTF-32 have these between ASCII letters
    start = _behind_comments(text)
    if text[start : start + 9].upper() != b"<!DOCTYPE":
        return False
    found = text.find(b"<!ENTITY", start)
    while found >= 0:
        if not text[found + 8 : found + 80].lstrip().startswith(b"%"):
            return True
        found = text.find(b"<!ENTITY", found + 8)
    return False


def _behind_comments(text: bytes) -> int:
    """Where the DOCTYPE or the root element begins, after white space, declarations and comments; -1 if nowhere."""
    at = text.find(b"<")
    while closing := _closing(text, at):
        end = text.find(closing, at + 4)
        at = text.find(b"<", end) if end >= 0 else -1
    return at


def _closing(text: bytes, at: int) -> bytes:
    if at >= 0 and text.startswith(b"<?", at):
        return b"?>"
    return b"-->" if at >= 0 and text.startswith(b"<!--", at) else b""


def _run_reader(data: bytes, *, url: str, content_type: str) -> dict[str, Any]:
    try:
        return _READERS.read(
            data,
            url=url,
            content_type=content_type[:200],
            seconds=PARSE_SECONDS,
            megabytes=PARSE_MEGABYTES,
            max_items=MAX_ITEMS,
        )
    except ReaderTimedOut:
        raise ParseError(_("The document takes too long to read.")) from None
    except ReaderFailed:
        raise ParseError(_("The document is broken in a way that cannot be read.")) from None


def _not_a_feed(data: bytes) -> str:
    beginning = data[:2000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if beginning.startswith((b"{", b"[")):
        return _("This is JSON, but not a JSON Feed.")
    if beginning.startswith((b"<!doctype html", b"<html")) or b"<html" in beginning:
        return _("This is a web page, not an RSS or Atom feed.")
    if not beginning.startswith(b"<"):
        return _("This is not XML, so it is no RSS or Atom feed.")
    return _("This is XML, but not an RSS or Atom feed.")


def _feed(result: dict[str, Any]) -> ParsedFeed:
    return ParsedFeed(
        title=result["title"],
        site_url=result["site_url"],
        language=result["language"],
        items=tuple(_item(item) for item in result["items"]),
        hub_url=result["hub_url"],
        self_url=result["self_url"],
        older_url=result["older_url"],
    )


def _item(item: dict[str, Any]) -> ParsedItem:
    picture = item["picture"]
    return ParsedItem(**{
        **item,
        "authors": tuple(item["authors"]),
        "categories": tuple(item["categories"]),
        "published_at": _time(item["published_at"]),
        "updated_at": _time(item["updated_at"]),
        "picture": ParsedPicture(**picture) if picture else None,
    })  # fmt: skip


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
