"""WordPress export files (WXR 1.0 to 1.2), read as a stream: memory does not grow with the file.

A document that declares entities is refused, so that none can be expanded; nothing outside the file is read. Control
characters, which such files often hold although XML forbids them, are taken out before the parser sees them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO
from xml.parsers import expat

from django.utils.translation import gettext as _

CHUNK_BYTES = 65_536
MAX_TEXT = 5_000_000  # characters of one field; what is longer is cut
MAX_DEPTH = 30
CONTROLS = bytes(number for number in range(32) if number not in b"\t\n\r")
SEPARATOR = " "
ITEM, CHANNEL = "item", "channel"


class ArchiveError(Exception):
    """This file is no archive that we can read. The message is a sentence for people."""


@dataclass
class WxrItem:
    """One item as the file says it; fields by their local names, the first of each."""

    fields: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def number(self) -> int | None:
        return number_of(self.text("wp:post_id"))

    @property
    def kind(self) -> str:
        return self.text("wp:post_type") or "post"

    @property
    def status(self) -> str:
        return self.text("wp:status") or "publish"

    @property
    def published_at(self) -> datetime | None:
        """The date in UTC; WordPress writes zeros for what was never published."""
        written = self.text("wp:post_date_gmt")
        if not written or written.startswith("0000"):
            written = self.text("wp:post_date")
        try:
            moment = datetime.fromisoformat(written.strip())
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment if 1990 <= moment.year <= 2200 else None


@dataclass
class WxrHead:
    """What the file says before its first item; more authors may be found by login name."""

    title: str = ""
    link: str = ""
    language: str = ""
    version: str = ""
    authors: dict[str, str] = field(default_factory=dict)


def number_of(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def read(file: BinaryIO, head: WxrHead) -> Iterator[WxrItem]:
    """The items of the file, one at a time; ``head`` is filled on the way. Raises ArchiveError."""
    reader = _Reader(head)
    data = file.read(CHUNK_BYTES)
    is_wide = data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in data[:4]
    while data:
        reader.feed(data if is_wide else data.translate(None, CONTROLS))
        yield from reader.take()
        data = file.read(CHUNK_BYTES)
    reader.feed(b"", is_end=True)
    yield from reader.take()
    if not reader.is_channel_seen:
        raise ArchiveError(_("This is XML, but not a WordPress export."))


class _Reader:
    """Collects the fields of one item at a time from the parser's calls."""

    def __init__(self, head: WxrHead) -> None:
        self.head = head
        self.is_channel_seen = False
        self._done: list[WxrItem] = []
        self._item: WxrItem | None = None
        self._author: dict[str, str] | None = None
        self._meta: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._domain = ""
        parser = expat.ParserCreate(namespace_separator=SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse_entity
        self._parser = parser

    def feed(self, data: bytes, *, is_end: bool = False) -> None:
        try:
            self._parser.Parse(data, is_end)
        except expat.ExpatError as error:
            raise ArchiveError(
                _("The file is broken in line %(line)s: %(error)s.")
                % {"line": error.lineno, "error": expat.ErrorString(error.code)}
            ) from None
        except ValueError as error:  # an encoding that nobody knows
            raise ArchiveError(_("The file is in an encoding that cannot be read.")) from error

    def take(self) -> list[WxrItem]:
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = _short(name)
        if not self._path and name != "rss":
            raise ArchiveError(_("This is XML, but not a WordPress export."))
        if len(self._path) >= MAX_DEPTH:
            raise ArchiveError(_("The file is nested too deeply."))
        self._path.append(name)
        self._text, self._length = [], 0
        self._domain = attributes.get("domain", "")
        if name == CHANNEL:
            self.is_channel_seen = True
        elif name == ITEM:
            self._item = WxrItem()
        elif name == "wp:author":
            self._author = {}
        elif name == "wp:postmeta":
            self._meta = {}

    def _end(self, _name: str) -> None:
        name = self._path.pop()
        text, self._text, self._length = "".join(self._text).strip(), [], 0
        parent = self._path[-1] if self._path else ""
        if name == ITEM and self._item:
            self._done.append(self._item)
            self._item = None
        elif name == "wp:author" and self._author is not None:
            self._end_author(self._author)
        elif parent == "wp:author" and self._author is not None:
            self._author[name] = text
        elif self._item is not None:
            self._end_in_item(self._item, name, parent, text)
        elif parent == CHANNEL:
            self._end_in_channel(name, text)

    def _end_author(self, author: dict[str, str]) -> None:
        login = author.get("wp:author_login", "")
        self.head.authors[login] = author.get("wp:author_display_name") or login
        self._author = None

    def _end_in_item(self, item: WxrItem, name: str, parent: str, text: str) -> None:
        if parent == "wp:postmeta":
            self._meta[name] = text
        elif name == "wp:postmeta":
            item.meta[self._meta.get("wp:meta_key", "")] = self._meta.get("wp:meta_value", "")
        elif name == "category" and parent == ITEM:
            (item.categories if self._domain == "category" else item.tags).append(text)
        elif parent == ITEM:
            item.fields.setdefault(name, text)

    def _end_in_channel(self, name: str, text: str) -> None:
        if name in {"title", "link", "language"}:
            setattr(self.head, name, text)
        elif name == "wp:wxr_version":
            self.head.version = text

    def _characters(self, text: str) -> None:
        self._length += len(text)
        if self._length <= MAX_TEXT:
            self._text.append(text)

    def _refuse_entity(self, *_declared: object) -> None:
        raise ArchiveError(_("The file defines entities of its own (a DOCTYPE with ENTITY), which is not allowed."))


def _short(name: str) -> str:
    """``wp:post_id`` for whatever version of the namespace, ``content:encoded``, plain names as they are."""
    namespace, separator, local = name.rpartition(SEPARATOR)
    if not separator:
        return name
    if "wordpress.org/export/" in namespace:
        return f"excerpt:{local}" if namespace.rstrip("/").endswith("excerpt") else f"wp:{local}"
    prefixes = {
        "http://purl.org/rss/1.0/modules/content/": "content",
        "http://purl.org/dc/elements/1.1/": "dc",
    }
    return f"{prefixes.get(namespace, 'other')}:{local}"
