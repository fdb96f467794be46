"""Pictures within a text: taken under the same rules as an article's own, stored, and named by their address."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils.text import slugify

from articles import pictures


@dataclass(frozen=True)
class StoredPicture:
    """Where it is, and how large in pixels. The address is absolute, because mails and feeds show it, too."""

    url: str
    width: int
    height: int


def store(data: bytes, *, file_name: str) -> StoredPicture:
    """Decode, make it fit for the page, keep it in all sizes. Raises PictureError."""
    rendition = pictures.render(data)
    name = pictures.keep(rendition, stem=slugify(file_name.rpartition(".")[0])[:40])
    return StoredPicture(settings.SITE_URL + default_storage.url(name), rendition.width, rendition.height)
