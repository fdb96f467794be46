"""The publication's logo: decoded under the limits of every other picture, and kept with what is transparent in it."""

from __future__ import annotations

import io
import warnings

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from articles.pictures import FORMATS, MAX_BYTES, MAX_PIXELS, MEGABYTE, PictureError

LARGEST = (960, 240)  # shown at half of that, for screens of double density


def render(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """The logo as PNG without anything else that was in the file, and its size in pixels. Raises PictureError."""
    if len(data) > MAX_BYTES:
        raise PictureError(_("The picture is larger than %(megabytes)s MB.") % {"megabytes": MAX_BYTES // MEGABYTE})
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image)
            logo = image.convert("RGBA")
    except UnidentifiedImageError:
        raise PictureError(_("This is not a JPEG, PNG, GIF or WebP picture.")) from None
    except Image.DecompressionBombError:
        raise _too_large() from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise PictureError(_("The picture is damaged and cannot be read.")) from error
    logo.thumbnail(LARGEST, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    logo.info.clear()
    logo.save(buffer, "PNG", optimize=True)
    return buffer.getvalue(), logo.size


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large()


def _too_large() -> PictureError:
    return PictureError(_("The picture has more than %(count)s million pixels.") % {"count": MAX_PIXELS // 10**6})
