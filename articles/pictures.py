"""Pictures for articles: fetched or uploaded, decoded under limits, stored in the sizes that site and mail need.

A stored picture's name says its size, as in ``ferry-1a2b3c4d-1200x750.jpg``, and promises that smaller copies lie
beside it (``ferry-1a2b3c4d-480w.jpg``), so that a page can be laid out and a ``srcset`` written without opening a file.
"""

from __future__ import annotations

import io
import re
import secrets
import warnings
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from articles.models import Article

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")  # never SVG: it is a program
MAX_PIXELS = 40_000_000
MEGABYTE = 1024 * 1024
MAX_BYTES = 15 * MEGABYTE
MIN_SIDE = 40  # what is smaller is a button or a tracking pixel
PICTURE_WIDTH = 1200
SMALLER_WIDTHS = (480, 800)
THUMBNAIL_SIZE = (352, 235)  # 3:2, shown at 176 px on screens of double density
STEM_LENGTH = 60

_NAME = re.compile(r"(.*-[0-9a-f]{8})-([0-9]{1,5})x([0-9]{1,5})\.jpg", re.DOTALL)


class PictureError(Exception):
    """These bytes are no picture that we take. The message is a sentence for people."""


@dataclass(frozen=True)
class Rendition:
    """A picture made ready: JPEG bytes for the page and for lists, and smaller copies by their width."""

    picture: bytes = field(repr=False)
    thumbnail: bytes = field(repr=False)
    width: int
    height: int
    smaller: dict[int, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Copies:
    """What a stored picture's name says: its size in pixels, and its copies as a ``srcset`` ("" if it is small)."""

    width: int
    height: int
    srcset: str


def render(data: bytes) -> Rendition:
    """Decode, turn upright, drop all metadata, and encode anew in all sizes. Raises PictureError."""
    picture = _decoded(data)
    picture.thumbnail((PICTURE_WIDTH, PICTURE_WIDTH * 3), Image.Resampling.LANCZOS)
    thumbnail = ImageOps.fit(picture, THUMBNAIL_SIZE, Image.Resampling.LANCZOS)
    smaller = {width: _jpeg(_narrowed(picture, width)) for width in SMALLER_WIDTHS if width < picture.width}
    return Rendition(_jpeg(picture), _jpeg(thumbnail), picture.width, picture.height, smaller)


def keep(rendition: Rendition, *, stem: str) -> str:
    """Write the picture and its smaller copies under names that nobody had before. Returns the picture's name."""
    directory_and_stem = Article._meta.get_field("picture").generate_filename(
        Article(), stem[:STEM_LENGTH] or "picture"
    )
    base = f"{directory_and_stem}-{secrets.token_hex(4)}"
    for width, data in rendition.smaller.items():
        default_storage.save(f"{base}-{width}w.jpg", ContentFile(data))
    return default_storage.save(
        f"{base}-{rendition.width}x{rendition.height}.jpg", ContentFile(rendition.picture)
    )  # fmt: skip


def copies_of(address: str) -> Copies | None:
    """What the name or address of a picture that ``keep`` stored says; None for any other."""
    found = _NAME.fullmatch(address)
    if not found:
        return None
    base, width, height = found[1], int(found[2]), int(found[3])
    smaller = [f"{base}-{narrow}w.jpg {narrow}w" for narrow in SMALLER_WIDTHS if narrow < width]
    return Copies(width, height, ", ".join([*smaller, f"{address} {width}w"]) if smaller else "")


def narrowest(address: str, *, at_least: int) -> str:
    """The address of the smallest copy of a stored picture that is so many pixels wide, or the picture's own."""
    found = _NAME.fullmatch(address)
    widths = [width for width in SMALLER_WIDTHS if at_least <= width < int(found[2])] if found else []
    return f"{found[1]}-{widths[0]}w.jpg" if found and widths else address


def forget(name: str) -> None:
    """Delete a stored picture that no page and no mail shows, with its copies."""
    found = _NAME.fullmatch(name)
    if found:
        for narrow in SMALLER_WIDTHS:
            default_storage.delete(f"{found[1]}-{narrow}w.jpg")
    if name:
        default_storage.delete(name)


def store_picture(article: Article, data: bytes, *, alt: str = "", credit: str = "") -> None:
    """Give an article this picture, in all sizes, and save those fields; feeds no longer replace it.

    Raises PictureError, and leaves the article as it is.
    """
    rendition = render(data)
    article.picture_url = ""
    article.picture_alt = alt[:300] or article.picture_alt
    article.picture_credit = credit[:200] or article.picture_credit
    store(article, rendition, "picture_alt", "picture_credit")


def make_thumbnail(article: Article) -> None:
    """Take over what an editor did to ``article.picture`` by hand: uploaded another one, or removed it.

    The file is encoded anew like any other picture, the thumbnail follows, and feeds no longer replace it. Saves
    those fields. Raises PictureError, and leaves the article as it is, if the file is no picture that we take.
    """
    article.picture_url = ""
    if not article.picture:
        article.thumbnail, article.picture_width, article.picture_height = "", 0, 0
        article.save(update_fields=[*_FIELDS, "updated_at"])
        return
    storage, uploaded_name = article.picture.storage, str(article.picture.name)
    with article.picture.open("rb") as file:
        rendition = render(file.read(MAX_BYTES + 1))
    store(article, rendition)
    storage.delete(uploaded_name)  # it may say where and by whom it was taken


def bring_back(article: Article, name: str) -> bool:
    """Give the article a picture again that was stored for it before ("": none), and save that; False if it is gone.

    Feeds no longer replace it.
    """
    if name and not default_storage.exists(name):
        return False
    copies = copies_of(name)
    article.picture.name, article.picture_url = name, ""
    article.picture_width, article.picture_height = (copies.width, copies.height) if copies else (0, 0)
    article.thumbnail.name = _thumbnail_of(name) if name else ""
    article.save(update_fields=[*_FIELDS, "updated_at"])
    return True


def _thumbnail_of(name: str) -> str:
    """The thumbnail that lies beside a stored picture; made anew if it does not."""
    stem = PurePosixPath(name).stem.rpartition("-")[0]
    beside = str(PurePosixPath(name).with_name(f"{stem}-small.jpg"))
    if default_storage.exists(beside):
        return beside
    with default_storage.open(name) as file:
        rendition = render(file.read(MAX_BYTES + 1))
    return default_storage.save(beside, ContentFile(rendition.thumbnail))


def store(article: Article, rendition: Rendition, *more: str) -> None:
    """Write files of new names (mails out there still show the old ones); save those fields and ``more``."""
    article.picture.name = keep(rendition, stem=article.slug)
    article.picture_width, article.picture_height = rendition.width, rendition.height
    stem = PurePosixPath(str(article.picture)).stem.rpartition("-")[0]
    article.thumbnail.save(f"{stem}-small.jpg", ContentFile(rendition.thumbnail), save=False)
    article.save(update_fields=[*_FIELDS, "updated_at", *more])


_FIELDS = ("picture", "picture_width", "picture_height", "thumbnail", "picture_url")


def _decoded(data: bytes) -> Image.Image:
    """The picture's first frame, upright, in plain RGB on white."""
    if len(data) > MAX_BYTES:
        raise PictureError(_("The picture is larger than %(megabytes)s MB.") % {"megabytes": MAX_BYTES // MEGABYTE})
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image)
            image.draft("RGB", (PICTURE_WIDTH * 2, PICTURE_WIDTH * 2))  # JPEG only: decode no more than we need
            ImageOps.exif_transpose(image, in_place=True)
            return _flattened(image)
    except UnidentifiedImageError:
        raise PictureError(_("This is not a JPEG, PNG, GIF, WebP or AVIF picture.")) from None
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise PictureError(_("The picture is damaged and cannot be read.")) from error


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < MIN_SIDE:
        raise PictureError(_("The picture is too small to be shown."))


def _too_many_pixels() -> PictureError:
    return PictureError(_("The picture has more than %(count)s million pixels.") % {"count": MAX_PIXELS // 10**6})


def _flattened(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    ground = Image.new("RGBA", with_alpha.size, "white")
    return Image.alpha_composite(ground, with_alpha).convert("RGB")


def _narrowed(image: Image.Image, width: int) -> Image.Image:
    return image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.info.clear()  # no EXIF, no color profile, no comment
    image.save(buffer, "JPEG", quality=82, optimize=True, progressive=True)
    return buffer.getvalue()
