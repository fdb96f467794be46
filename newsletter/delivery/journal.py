"""What the relay has taken and the database does not know yet: a small file for as long as a worker holds a batch.

A mark is one byte in shared memory: it costs nothing that could be measured, cannot be torn, and outlives the process
however that dies (a power cut it need not outlive: then the lease runs out, as on a host that never comes back). Who
still holds the file's lock is alive. A file that cannot be written stops the sending before anything is handed over.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from django.conf import settings

_MAGIC = b"broadsheet journal 1\n"
_HEAD = struct.Struct(f"<{len(_MAGIC)}sQ")  # magic, how many sends: zero until all of them are written
_PK = struct.Struct("<q")
_NEW, _NEW_SECONDS = "new-", 60.0  # far longer than it takes to write one


class Mark(IntEnum):
    """How far a send got, as far as the worker knew."""

    UNTOUCHED = 0
    DRAWN = 1  # it was being made, or was with the relay
    ACCEPTED = 2
    ANSWERED = 3  # anything else: it is tried again, and the relay will say it again
    HELD = 4  # drawn, and it waits here or its end is held back: the relay has certainly not got it


class JournalError(OSError):
    """The journal cannot be written: nothing may be handed over."""


class Journal:
    """The page of one lease, open and locked. Raises JournalError."""

    def __init__(self, lease: str, pks: Sequence[int]) -> None:
        self._path = folder() / lease
        try:
            self._write(pks, folder() / f"{_NEW}{lease}")
        except OSError as error:
            raise JournalError(f"the journal {self._path} cannot be written: {error.strerror}") from error

    def _write(self, pks: Sequence[int], new: Path) -> None:
        """Under another name until it is locked and whole: whoever looks for what was left behind must not find it."""
        new.parent.mkdir(parents=True, exist_ok=True)
        self._at = {pk: _HEAD.size + len(pks) * _PK.size + place for place, pk in enumerate(pks)}
        self._file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = _HEAD.size + len(pks) * (_PK.size + 1)
            os.posix_fallocate(self._file, 0, size)  # or a full disk would kill the process at the first mark
            self._marks = mmap.mmap(self._file, size)
        except OSError:
            new.unlink()
            os.close(self._file)
            raise
        self._marks[_HEAD.size : _HEAD.size + len(pks) * _PK.size] = struct.pack(f"<{len(pks)}q", *pks)
        self._marks[: _HEAD.size] = _HEAD.pack(_MAGIC, len(pks))
        new.rename(self._path)

    def mark(self, pk: int, mark: Mark) -> None:
        self._marks[self._at[pk]] = mark

    def abandon(self) -> None:
        """Leave the file to whoever recovers it."""
        self._marks.close()
        os.close(self._file)

    def close(self) -> None:
        """All of it is in the database."""
        self._marks.close()
        with suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._file)


@dataclass(frozen=True, slots=True)
class Page:
    """What a journal says of the sends of one lease. ``marks`` is None if it cannot be read."""

    lease: str
    marks: dict[int, Mark] | None

    def marked(self, mark: Mark) -> list[int]:
        return [pk for pk, each in (self.marks or {}).items() if each == mark]


def folder() -> Path:
    return Path(settings.DATA_DIR) / "journals"


def left_behind() -> Iterator[Page]:
    """The pages whose workers are dead, one after the other, each locked until the next is asked for, then deleted."""
    _clear_unfinished()
    for path in sorted(folder().glob("[0-9a-f]*")):
        with suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield Page(path.name, _read(file.read()))
            path.unlink()


def _clear_unfinished() -> None:
    """Nothing was handed over under a page that its worker did not live to finish."""
    for path in folder().glob(f"{_NEW}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - _NEW_SECONDS:
                path.unlink()


def page_of(lease: str) -> Page:
    """The page of a lease, be its worker alive or not; it cannot be read if it was written on another host."""
    try:
        return Page(lease, _read((folder() / lease).read_bytes()))
    except FileNotFoundError:
        return Page(lease, None)


def _read(data: bytes) -> dict[int, Mark] | None:
    """No marks, if the worker died before it had written the head: then it handed nothing over either.

    None for what we did not write, or not so: nobody knows what was handed over.
    """
    if not data[: _HEAD.size].strip(b"\0"):
        return {}
    magic, count = _HEAD.unpack_from(data.ljust(_HEAD.size))
    marks = data[_HEAD.size + count * _PK.size :]
    if magic != _MAGIC or len(marks) != count:
        return None
    return {
        pk: Mark(mark) if mark in Mark else Mark.DRAWN
        for (pk,), mark in zip(_PK.iter_unpack(data[_HEAD.size : -count or None]), marks, strict=True)
    }
