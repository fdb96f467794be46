"""An archive is handed in: a file, or the address of a feed that goes back page by page."""

from __future__ import annotations

import uuid
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from articles.archives import files
from articles.archives.files import Upload
from articles.archives.wxr import ArchiveError
from articles.feeds import network
from articles.models import Archive, Feed

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def begin_file(
    *, upload: Upload, name: str, feed: Feed | None, now: datetime, created_by: User | None = None,
    takes_drafts: bool = True, takes_pages: bool = False, makes_topics: bool = False,
) -> Archive:  # fmt: skip
    """Keep the file and note what it is; nothing is imported yet. Raises ArchiveError."""
    folder = uuid.uuid4()
    path = files.store(folder, upload)
    return Archive.objects.create(
        folder=folder, kind=_kind_of(path), name=name[:1000], feed=feed, created_by=created_by, created_at=now,
        takes_drafts=takes_drafts, takes_pages=takes_pages, makes_topics=makes_topics,
    )  # fmt: skip


def begin_pages(
    *, url: str, feed: Feed | None, now: datetime, created_by: User | None = None, makes_topics: bool = False
) -> Archive:
    """A feed whose pages name the older ones (RFC 5005). Raises ArchiveError."""
    try:
        network.check_address(url)
    except network.AddressRefused as refused:
        raise ArchiveError(str(refused)) from refused
    return Archive.objects.create(
        kind=Archive.Kind.PAGES, name=url[:1000], feed=feed, created_by=created_by, created_at=now,
        makes_topics=makes_topics,
    )  # fmt: skip


def _kind_of(path: Path) -> str:
    with path.open("rb") as file:
        beginning = file.read(4096)
    if not beginning.strip():
        files_directory = path.parent
        path.unlink()
        files_directory.rmdir()
        raise ArchiveError(_("The file is empty."))
    if zipfile.is_zipfile(path):
        return Archive.Kind.FEEDS
    is_wxr = b"wordpress.org/export/" in beginning.replace(b"\0", b"")
    return Archive.Kind.WXR if is_wxr else Archive.Kind.FEEDS
