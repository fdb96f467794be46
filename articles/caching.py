"""How long pages may be kept: by browsers and the caches on the way, and by this site itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import update_wrapper
from typing import Concatenate

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

# What is withdrawn must be gone soon, elsewhere too: a cache may show an old page while it asks for the new one, but
# not for long; and for longer only while we give it nothing but errors.
STALE_WHILE_REVALIDATE = timedelta(minutes=1)
STALE_IF_ERROR = timedelta(hours=1)

type View[**Rest] = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


def kept[**Rest](*, seconds: int, here: int | None = None) -> Callable[[View[Rest]], View[Rest]]:
    """For a page that is the same for everybody: browsers and caches may keep it for so many seconds.

    The site itself keeps it for ``here`` seconds, or for PAGE_CACHE_SECONDS (config/page_cache.py).
    """

    def decorate(view: View[Rest]) -> View[Rest]:
        def keeping(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
            response = view(request, *args, **kwargs)
            patch_cache_control(
                response, public=True, max_age=seconds,
                stale_while_revalidate=int(STALE_WHILE_REVALIDATE.total_seconds()),
                stale_if_error=int(STALE_IF_ERROR.total_seconds()),
            )  # fmt: skip
            response.kept_here = here  # type: ignore[attr-defined]
            return response

        update_wrapper(keeping, view)
        return keeping

    return decorate
