"""A table as records: any usual separator, quoted line breaks, and one broken row that spoils no other.

Memory use does not depend on the file: no line, cell or header is read further than these limits.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from django.utils.translation import gettext as _

from newsletter.subscribers.importing.files import UnreadableFile

SEPARATORS = ",;\t|"
MAX_LINE = 1 << 20  # bytes
BLOCK = 1 << 16  # bytes; lines of so many are read at once, if each is a row
MAX_COLUMNS = 1_000
MAX_CELL = 1 << 15
LONGEST_RECORD = 500  # lines; a note may have some, a quotation mark that is never closed has all


class Record(NamedTuple):
    """One row: the number of its first line, its cells, where the next one begins, or what is wrong with it."""

    line: int
    cells: list[str]
    end_offset: int
    end_line: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the table is written. ``offset`` and ``line`` are where its rows begin."""

    separator: str
    header: tuple[str, ...]  # as it stands in the file
    offset: int
    line: int


class Lines:
    """The lines of a table that the CSV reader takes, with a way to give those back that it should not have taken."""

    def __init__(self, file: BinaryIO, *, offset: int, line: int) -> None:
        file.seek(offset)
        self._file = file
        self._returned: deque[bytes] = deque()
        self.taken: list[bytes] = []
        self.offset, self.line = offset, line  # before the first of ``taken``

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        raw = self._returned.popleft() if self._returned else self._file.readline(MAX_LINE)
        if not raw:
            raise StopIteration
        self.taken.append(raw)
        return raw.decode("utf-8", "replace")

    def settle(self) -> None:
        """What was taken belongs to the record that has just been read."""
        for raw in self.taken:
            self.offset += len(raw)
        self.line += len(self.taken)
        self.taken.clear()

    def give_back(self) -> None:
        """Only the first of what was taken belongs to the record; the rest is read anew."""
        self._returned.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        self.settle()


def read_dialect(path: Path) -> Dialect:
    """Look at the first line that says anything. Raises UnreadableFile."""
    with path.open("rb") as file:
        lines = Lines(file, offset=0, line=1)
        for text in lines:
            is_whole = len(lines.taken[0]) < MAX_LINE
            lines.settle()
            separator = ""
            if text.lower().startswith("sep=") and len(text.strip()) == len("sep=;"):
                continue
            if text.strip(" \t\r\n,;|"):
                break
        else:
            raise UnreadableFile(_("The file is empty: there is no line with the columns, such as email and name."))
    separator = max(SEPARATORS, key=text.count)
    header = _header(text, separator)
    if not is_whole or len(header) > MAX_COLUMNS:
        raise UnreadableFile(_("The first line has more than %(count)d columns; email should be one of a few.")
                             % {"count": MAX_COLUMNS})  # fmt: skip
    return Dialect(separator, header, lines.offset, lines.line)


def _header(text: str, separator: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([text], delimiter=separator), [])
    except csv.Error as error:
        raise UnreadableFile(_("The first line does not name columns such as email.")) from error
    return tuple(cell.strip().strip("\ufeff\0")[:200] for cell in cells)


def read_records(
    path: Path, dialect: Dialect, *, offset: int, line: int, has_backslash_quotes: bool = False
) -> Iterator[Record]:
    """The rows from there on. Empty lines are passed over."""
    csv.field_size_limit(MAX_CELL)
    options: Mapping[str, Any] = {"doublequote": False, "escapechar": "\\"} if has_backslash_quotes else {}
    options = {**options, "delimiter": dialect.separator, "strict": True}
    with path.open("rb") as file:
        while block := _whole_lines(file, offset):
            if (rows := _rows_of_one_line(block, options)) is None:
                lines = Lines(file, offset=offset, line=line)
                yield from _one_by_one(lines, len(dialect.header), options, until=offset + len(block))
                offset, line = lines.offset, lines.line
                continue
            for raw, cells in zip(block.split(b"\n"), rows, strict=False):
                offset += len(raw) + 1
                line += 1
                if any(cells):
                    yield Record(line - 1, cells, offset, line, _surplus(cells, len(dialect.header)))


def _whole_lines(file: BinaryIO, offset: int) -> bytes:
    """The next ones, as far as they fit a block; what there is of one that does not."""
    file.seek(offset)
    block = file.read(BLOCK)
    end = block.rfind(b"\n") + 1
    return block[: end or None]


def _rows_of_one_line(block: bytes, options: Mapping[str, Any]) -> list[list[str]] | None:
    """The cells of each line; None if rows may have several lines, or any is not as it should be."""
    if not block.endswith(b"\n"):
        return None
    texts = block.decode("utf-8", "replace").split("\n")
    texts.pop()
    try:
        rows = list(csv.reader(texts, **options))
    except csv.Error:
        return None
    return rows if len(rows) == len(texts) else None


def _one_by_one(lines: Lines, width: int, options: Mapping[str, Any], *, until: int) -> Iterator[Record]:
    reader = csv.reader(lines, **options)
    doubles = "escapechar" not in options
    while lines.offset < until:
        first = lines.line
        cells, problem = _next(reader, lines, options["delimiter"], doubles=doubles)
        if cells is None:
            return
        if any(cells) or problem:
            yield Record(first, cells, lines.offset, lines.line, problem or _surplus(cells, width))


def _surplus(cells: list[str], width: int) -> str:
    if len(cells) <= width or not any(cells[width:]):
        return ""
    return _("%(cells)d cells under %(columns)d columns") % {"cells": len(cells), "columns": width}


def _next(reader: Iterator[list[str]], lines: Lines, separator: str, *, doubles: bool) -> tuple[list[str] | None, str]:
    """The next row's cells, None at the end, and what is wrong with it."""
    try:
        cells = next(reader)
    except StopIteration:
        return None, ""
    except csv.Error as error:
        if len(lines.taken) == 1 and (lenient := _leniently(lines.taken[0], separator)):
            lines.settle()
            return lenient, ""
        problem = str(error)
    else:
        if len(lines.taken) == 1 or not _is_unclosed(lines.taken, doubles=doubles):
            lines.settle()
            return cells, ""
        problem = _("a quotation mark is opened and never closed")
    broken = [lines.taken[0][:MAX_CELL].decode("utf-8", "replace").rstrip("\n")] if lines.taken else []
    lines.give_back()
    return broken, problem


def _leniently(raw: bytes, separator: str) -> list[str]:
    """A line with a quotation mark where there should be none, as it was probably meant; [] if that is not clear."""
    text = raw.decode("utf-8", "replace")
    try:
        return next(csv.reader([text], delimiter=separator)) if text.count('"') % 2 == 0 else []
    except csv.Error:
        return []


def _is_unclosed(taken: list[bytes], *, doubles: bool) -> bool:
    """Does the record owe its many lines to a quotation mark that somebody forgot?"""
    return len(taken) > LONGEST_RECORD or (doubles and sum(raw.count(b'"') for raw in taken) % 2 == 1)
