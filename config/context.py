from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language_bidi

from articles.models import Publication, Topic


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page needs to know of the publication, and its topics. 1 query each, in pages that use them."""
    publication = SimpleLazyObject(Publication.current)
    return {
        "publication": publication,
        "site_name": SimpleLazyObject(lambda: publication.title),
        "site_topics": SimpleLazyObject(lambda: list(Topic.objects.all())),
        "site_url": settings.SITE_URL,
        "direction": "rtl" if get_language_bidi() else "ltr",
    }
