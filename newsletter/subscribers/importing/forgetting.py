"""What an import keeps of people beyond its time: the upload, the rows shown, those refused. Erasing reaches them all.

Uploads are needed until the import has ended, and are deleted then; taking it back needs none of them.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from newsletter.lib.address_lists import identify
from newsletter.lib.addresses import InvalidAddress
from newsletter.subscribers.importing import files
from newsletter.subscribers.importing.records import read_records
from newsletter.subscribers.importing.starting import Part, parts_of
from newsletter.subscribers.models import ImportRefusal, ImportRun

_ADDRESS = re.compile(r"[^\s<>,;|\"'`()\[\]]+@[^\s<>,;|\"'`()\[\]]+")


def let_go(run: ImportRun, now: datetime) -> None:
    """The import has ended: neither its file nor the rows that were shown are needed any more."""
    files.delete(run.folder)
    ImportRun.objects.filter(pk=run.pk).update(files_deleted_at=now, sample=[])


def hash_in(cells: Sequence[str]) -> str:
    """By which the row is found again when the person in it is erased; "" if there is nobody."""
    return next((identity_hash for _key, identity_hash in _people_in(cells)), "")


def forget(*, keys: Collection[str], hashes: Collection[str]) -> None:
    """Take the people with these addresses out of refused rows, shown rows, and files that wait to be brought in."""
    ImportRefusal.objects.filter(address_hash__in=hashes).delete()
    for run in ImportRun.objects.filter(files_deleted_at=None).order_by("pk"):
        shown = [row for row in run.sample if not _is_about(row.values(), keys)]
        if len(shown) < len(run.sample):
            ImportRun.objects.filter(pk=run.pk).update(sample=shown)
        for part in parts_of(run):
            _blank(files.folder_of(run.folder) / part.path, part, keys)


def _people_in(cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Key and hash of every address in the cells."""
    for text in cells:
        for match in _ADDRESS.finditer(text) if "@" in text else ():
            with suppress(InvalidAddress):
                identity = identify(match[0].removeprefix("mailto:"))
                yield identity.key, identity.hash


def _is_about(cells: Collection[object], keys: Collection[str]) -> bool:
    return any(key in keys for key, _hash in _people_in([str(cell) for cell in cells]))


def _blank(path: Path, part: Part, keys: Collection[str]) -> None:
    """Overwrite their rows with empty ones of the same length, so that an import that is under way finds its place."""
    if not path.exists() or not _may_be_in(path, keys):
        return
    with path.open("r+b") as file:
        for begin, end in _rows_about(path, part, keys):
            file.seek(begin)
            row = file.read(end - begin)
            file.seek(begin)
            file.write(re.sub(rb"[^\r\n]", part.separator.encode(), row))


def _rows_about(path: Path, part: Part, keys: Collection[str]) -> list[tuple[int, int]]:
    """Where their rows begin and end."""
    rows, begin = [], part.offset
    options = {"has_backslash_quotes": part.kind.has_backslash_quotes}
    for record in read_records(path, part.dialect, offset=part.offset, line=part.line, **options):
        if _is_about(record.cells, keys):
            rows.append((begin, record.end_offset))
        begin = record.end_offset
    return rows


def _may_be_in(path: Path, keys: Collection[str]) -> bool:
    """A quick look, so that an erasure need not read every list. Letters beyond ASCII are written in many ways."""
    names = [key.rpartition("@")[0] for key in keys]
    if not all(name.isascii() for name in names):
        return True
    with path.open("rb") as file:
        if not path.stat().st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            pattern = b"|".join(re.escape(name.encode()) for name in names)
            return re.search(pattern, content, re.IGNORECASE) is not None
