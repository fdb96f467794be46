from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_bidi


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page needs to know of the publication."""
    return {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "direction": "rtl" if get_language_bidi() else "ltr",
    }
