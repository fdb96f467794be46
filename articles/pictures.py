"""Pictures for articles: fetched or uploaded, decoded under limits, stored in the sizes that site and mail need."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from articles.models import Article

FORMATS = ("JPEG", "PNG", "GIF", "WEBP")  # never SVG: it is a program
MAX_PIXELS = 40_000_000
MEGABYTE = 1024 * 1024
MAX_BYTES = 15 * MEGABYTE
MIN_SIDE = 40  # what is smaller is a button or a tracking pixel
PICTURE_WIDTH = 1200
THUMBNAIL_SIZE = (352, 235)  # 3:2, shown at 176 px on screens of double density


class PictureError(Exception):
    """These bytes are no picture that we take. The message is a sentence for people."""


@dataclass(frozen=True)
class Rendition:
    """A picture made ready: JPEG bytes for the page and for lists."""

    picture: bytes
    thumbnail: bytes


def render(data: bytes) -> Rendition:
    """Decode, turn upright, drop all metadata, and encode anew in both sizes. Raises PictureError."""
    picture = _decoded(data)
    picture.thumbnail((PICTURE_WIDTH, PICTURE_WIDTH * 3), Image.Resampling.LANCZOS)
    thumbnail = ImageOps.fit(picture, THUMBNAIL_SIZE, Image.Resampling.LANCZOS)
    return Rendition(_jpeg(picture), _jpeg(thumbnail))


def store_picture(article: Article, data: bytes, *, alt: str = "", credit: str = "") -> None:
    """Give an article this picture, in both sizes, and save those fields; feeds no longer replace it.

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
        article.thumbnail = ""
        article.save(update_fields=["picture", "thumbnail", "picture_url", "updated_at"])
        return
    storage, uploaded_name = article.picture.storage, str(article.picture.name)
    with article.picture.open("rb") as file:
        rendition = render(file.read(MAX_BYTES + 1))
    store(article, rendition)
    storage.delete(uploaded_name)  # it may say where and by whom it was taken


def store(article: Article, rendition: Rendition, *more: str) -> None:
    """Write files of new names (mails out there still show the old ones); save those fields and ``more``."""
    article.picture.save(f"{article.slug}.jpg", ContentFile(rendition.picture), save=False)
    article.thumbnail.save(f"{article.slug}-small.jpg", ContentFile(rendition.thumbnail), save=False)
    article.save(update_fields=["picture", "thumbnail", "picture_url", "updated_at", *more])


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
        raise PictureError(_("This is not a JPEG, PNG, GIF or WebP picture.")) from None
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


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.info.clear()  # no EXIF, no color profile, no comment
    image.save(buffer, "JPEG", quality=82, optimize=True, progressive=True)
    return buffer.getvalue()
