"""Who may see these pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase


def for_those_who_may[Page: HttpResponseBase](
    permission: str,
) -> Callable[[Callable[..., Page]], Callable[..., Page]]:
    """For users of the admin with this permission; everybody else is sent to the sign-in or refused."""

    def decorate(view: Callable[..., Page]) -> Callable[..., Page]:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Page:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded: Callable[..., Page] = admin.site.admin_view(wrapped)
        return guarded

    return decorate
