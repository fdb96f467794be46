from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

DESK = {"admin", "desk", "issue_desk", "sending"}  # what is shown in unfold's frame


def admin_content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Give the admin the policy that unfold needs, and leave the strict one everywhere else.

    It must stand right after ContentSecurityPolicyMiddleware, whose ``csp_override`` sets the same attribute.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        has_its_own = getattr(response, "_csp_config", None) is not None  # a frame with somebody else's words
        if request.resolver_match and request.resolver_match.app_name in DESK and not has_its_own:
            response._csp_config = settings.ADMIN_CSP  # type: ignore[attr-defined]
        return response

    return middleware


class SiteLanguageMiddleware(LocaleMiddleware):
    """The reader's language where the site is translated into it, the site's own everywhere else.

    Django's middleware would take any language that *Django* speaks: dates in German over words in English.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if translation.get_language() not in translated_languages():
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language()


@cache
def translated_languages() -> frozenset[str]:
    """The site's own language and those that there are catalogs for."""
    catalogs = (folder.parent.name for path in settings.LOCALE_PATHS for folder in Path(path).glob("*/LC_MESSAGES"))
    return frozenset({settings.LANGUAGE_CODE, *(translation.to_language(name) for name in catalogs)})
