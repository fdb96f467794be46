from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

DESK = {"admin", "desk", "issue_desk", "sending"}  # what is shown in unfold's frame
IN_DESK_LANGUAGE = ("/admin/", "/mailbox/")


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


def page_language(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Pages are in the publication's language, as its articles are; the desk is in English.

    What the browser asks for is not looked at: words of one language around articles of another help nobody, and a page
    may be kept for everybody. A view that knows the newsletter or the reader goes on in theirs
    (newsletter.lib.languages.speak).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_desk = request.path_info.startswith(IN_DESK_LANGUAGE)
        with translation.override(settings.DESK_LANGUAGE if is_desk else settings.LANGUAGE_CODE):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "")
        return response

    return middleware
