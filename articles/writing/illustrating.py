"""Pictures within a text: taken under the same rules as an article's own, stored, and named by their address."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.text import slugify
from PIL import Image

from articles import pictures


@dataclass(frozen=True)
class StoredPicture:
    """Where it is, and how large in pixels. The address is absolute, because mails and feeds show it, too."""

    url: str
    width: int
    height: int


def store(data: bytes, *, file_name: str, now: datetime) -> StoredPicture:
    """Decode, make it fit for the page, keep it. Raises PictureError."""
    picture = pictures.render(data).picture
    with Image.open(io.BytesIO(picture)) as image:
        width, height = image.size
    stem = slugify(file_name.rpartition(".")[0])[:40] or "picture"
    name = default_storage.save(f"pictures/{now:%Y/%m}/{stem}-{secrets.token_hex(4)}.jpg", ContentFile(picture))
    return StoredPicture(settings.SITE_URL + default_storage.url(name), width, height)
