"""Where an archive's file lies while it is needed."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from django.conf import settings

from articles.archives.wxr import CHUNK_BYTES
from articles.models import Archive


class Upload(Protocol):
    """What can be read piece by piece: an upload or an open file."""

    def read(self, size: int, /) -> bytes: ...


def directory_of(folder: uuid.UUID) -> Path:
    return Path(settings.PRIVATE_ROOT) / "archives" / folder.hex


def path_of(archive: Archive) -> Path:
    return directory_of(archive.folder) / "archive"


def store(folder: uuid.UUID, upload: Upload) -> Path:
    """Copy it piece by piece; nobody else on this machine can read it."""
    directory = directory_of(folder)
    directory.mkdir(mode=0o700, parents=True)
    path = directory / "archive"
    with path.open("wb") as file:
        for piece in _pieces(upload):
            file.write(piece)
    return path


def delete(archive: Archive) -> None:
    shutil.rmtree(directory_of(archive.folder), ignore_errors=True)


def _pieces(upload: Upload) -> Iterator[bytes]:
    while piece := upload.read(CHUNK_BYTES):
        yield piece
