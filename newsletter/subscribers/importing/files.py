"""Taking a file in: what was uploaded becomes one or more tables of UTF-8 text in a folder that nobody can fetch from.

No name in the file is used as a path. What is too big, encrypted or no text is refused with a sentence.
"""

from __future__ import annotations

import codecs
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

BLOCK = 1 << 20
MAX_TABLES = 20
MAX_MEMBERS = 20_000
MEGABYTE = 1_000_000
TABLE_ENDINGS = (".csv", ".tsv", ".txt")
NOT_SUBSCRIBERS = (".delivers.csv", ".opens.csv", "posts.csv")  # beside the list in Substack's archive


class UnreadableFile(ValueError):
    """Not a list of subscribers; the message says why."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table as it was taken in."""

    name: str  # as in the upload, to be shown
    path: str  # in the folder of imports
    size: int  # bytes of UTF-8
    encoding: str


def folder_of(folder: UUID) -> Path:
    return Path(settings.PRIVATE_ROOT) / "imports" / str(folder)


def take_in(upload: BinaryIO, *, name: str, folder: UUID) -> list[Table]:
    """Keep the file's tables. Raises UnreadableFile, and keeps nothing then."""
    place = folder_of(folder)
    place.mkdir(parents=True, mode=0o700)
    try:
        if zipfile.is_zipfile(upload):
            return _unpack(upload, place)
        upload.seek(0)
        return [_keep(upload, name, place, 0)]
    except BaseException:
        shutil.rmtree(place)
        raise


def delete(folder: UUID) -> None:
    shutil.rmtree(folder_of(folder), ignore_errors=True)


def _unpack(upload: BinaryIO, place: Path) -> list[Table]:
    try:
        with zipfile.ZipFile(upload) as archive:
            members = _tables(archive)
            tables: list[Table] = []
            for number, member in enumerate(members):
                with archive.open(member) as file:
                    used = sum(table.size for table in tables)
                    tables.append(_keep(file, PurePosixPath(member.filename).name, place, number, used=used))
            return tables
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise UnreadableFile(_("The ZIP archive is damaged, encrypted or packed in an unusual way.")) from error


def _tables(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    if len(archive.infolist()) > MAX_MEMBERS:
        raise UnreadableFile(_("The ZIP archive has too many files in it."))
    members = [each for each in archive.infolist() if not each.is_dir() and _is_table(each.filename)]
    if not members:
        raise UnreadableFile(_("The ZIP archive has no CSV file in it. Archives inside it are not opened."))
    if len(members) > MAX_TABLES:
        raise UnreadableFile(_("The ZIP archive has more than %(count)d CSV files in it.") % {"count": MAX_TABLES})
    return members


def _is_table(path: str) -> bool:
    name = PurePosixPath(path).name.lower()
    hidden = name.startswith((".", "_")) or "__macosx" in path.lower()
    return name.endswith(TABLE_ENDINGS) and not hidden and not name.endswith(NOT_SUBSCRIBERS)


def _keep(source: IO[bytes], name: str, place: Path, number: int, *, used: int = 0) -> Table:
    raw, kept = place / f"{number}.raw", place / f"{number}.csv"
    _copy(source, raw, used=used)
    encoding = _encoding(raw)
    with raw.open(encoding=encoding, errors="replace") as text, kept.open("w", encoding="utf-8", newline="\n") as out:
        while block := text.read(BLOCK):
            out.write(block.removeprefix("\ufeff"))
    raw.unlink()
    shown = "".join(character for character in name if character.isprintable())[-200:]
    return Table(shown, str(kept.name), kept.stat().st_size, encoding)


def _copy(source: IO[bytes], path: Path, *, used: int) -> None:
    """Count what comes out, since an archive may lie about it."""
    limit = settings.IMPORT_MAX_MEGABYTES * MEGABYTE - used
    with path.open("xb") as target:
        path.chmod(0o600)
        while block := source.read(BLOCK):
            limit -= len(block)
            if limit < 0:
                raise UnreadableFile(
                    _("The file is larger than %(size)d megabytes unpacked. Split it, or raise IMPORT_MAX_MEGABYTES.")
                    % {"size": settings.IMPORT_MAX_MEGABYTES}
                )
            target.write(block)


def _encoding(path: Path) -> str:
    """By its mark, by what it cannot be, or what Western spreadsheets write."""
    with path.open("rb") as file:
        head = file.read(BLOCK)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if not head.startswith(codecs.BOM_UTF8) and (guess := _utf_16_without_mark(head)):
        return guess
    if head.startswith((b"%PDF", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"SQLite format")):
        raise UnreadableFile(_("This is no text. Save the list as CSV, and bring in that file."))
    return "utf-8-sig" if _is_utf_8(path) else "cp1252"


def _utf_16_without_mark(head: bytes) -> str:
    even, odd = head[:2000:2].count(0), head[1:2000:2].count(0)
    most = min(len(head), 2000) // 2 * 0.8
    if len(head) > 3 and odd > most and even == 0:
        return "utf-16-le"
    return "utf-16-be" if len(head) > 3 and even > most and odd == 0 else ""


def _is_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
