"""Uploaded pictures, served by ourselves so that a fresh machine needs no other web server."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.static import serve

PICTURE_TYPES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


@require_safe
@cache_control(public=True, max_age=31_536_000, immutable=True)
def serve_picture(request: HttpRequest, path: str) -> HttpResponseBase:
    """A picture from MEDIA_ROOT, and nothing else from there. A changed picture has a new name, so it may be kept.

    The type is told by our list, never guessed, and browsers are told not to guess either (``nosniff``).
    """
    content_type = PICTURE_TYPES.get(PurePosixPath(path).suffix.lower())
    if content_type is None:
        raise Http404
    response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    response["Content-Type"] = content_type
    response["Content-Disposition"] = "inline"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
