"""The desk's first page: *Today*, and a few figures."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from newsletter.insights import today


def add_to_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    now = timezone.now()
    user: Any = request.user
    return {
        **context,
        **today.shown(user, now=now),
        "title": date_format(timezone.localtime(now), "l, j F"),
        "figures": today.figures(user, now=now),
    }
