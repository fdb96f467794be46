"""Where readers sign up: our own pages, a form on anybody's page, a frame, a script, JSON.

None of them sets a cookie or needs one, and all lead through ``intake.take_in``. They are exempt from Django's CSRF
check on purpose: a forged request could do no more than any visitor, which is to ask for one mail at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.core.validators import slug_re
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csp import csp_override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition, require_http_methods, require_safe

from newsletter.lib.doorbell import ring
from newsletter.lib.languages import speak
from newsletter.subscribers import intake, protection, tasks
from newsletter.subscribers.asking_again import ask_again
from newsletter.subscribers.models import Newsletter, SignUp
from newsletter.subscribers.pages import sign_up_page
from newsletter.subscribers.surfaces import answers

FRAMED: dict[str, Collection[str]] = {**settings.SECURE_CSP, "frame-ancestors": ["*"]}
MOST_NAMED = 50
SCRIPT = Path(__file__).with_name("embed.js").read_bytes()
SCRIPT_ETAG = f'"{hashlib.sha256(SCRIPT).hexdigest()[:32]}"'


class SeeOther(HttpResponseRedirect):
    """Go on with GET, so that reloading the page sends nothing twice (RFC 9110 section 15.4.4)."""

    status_code = 303


@csrf_exempt
@require_http_methods(["GET", "HEAD", "OPTIONS", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """POST takes a sign-up from any form or script on any page; GET shows a form."""
    if request.method == "OPTIONS":
        return answers.preflight()
    if request.method != "POST":
        return render(request, "subscribers/sign_up.html", sign_up_page())
    response = _by_program(request) if intake.wants_json(request) else _by_page(request)
    patch_vary_headers(response, ["Accept"])
    return response


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def check_inbox(request: HttpRequest) -> HttpResponse:
    """The answer to every sign-up, whatever the address is to us. POST asks for the mail once more."""
    speak(request.GET.get("in", ""))
    if request.method != "POST":
        context = {"is_asked_again": "again" in request.GET, "is_slow": "slow" in request.GET}
        return render(request, "subscribers/check_inbox.html", context)
    if found := _ask_again(request):
        return answers.as_page(request, found)
    return inbox_page(again=1)


@csrf_exempt
@xframe_options_exempt
@csp_override(FRAMED)
@require_http_methods(["GET", "HEAD", "POST"])
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of one newsletter for a frame on another site; its answer is shown in the frame."""
    newsletter = get_object_or_404(Newsletter, slug=slug)
    speak(newsletter.language)
    if "again" in request.POST:
        return answers.asked_again_in_frame(request, _ask_again(request), newsletter)
    if request.method == "POST" and newsletter.is_open:
        sent = request.POST.copy()
        sent.setlist("newsletters", [newsletter.slug])
        found = intake.take_in(request=request, sent=sent, now=timezone.now(), asks_back=True)
        if isinstance(found, intake.Taken):
            _ring(found.sign_up)
        return answers.in_frame(request, found, newsletter)
    host_page = request.GET.get("page") or request.headers.get("Referer", "")
    context = {**sign_up_page(newsletter=newsletter, page_url=host_page), "newsletter": newsletter}
    return render(request, "subscribers/embed/form.html", context)


@require_safe
@condition(etag_func=lambda request: SCRIPT_ETAG)
def embed_script(request: HttpRequest) -> HttpResponse:
    """A few lines that put the frame on any page; the same for every site and newsletter."""
    response = HttpResponse(SCRIPT, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "public, max-age=3600"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answers.for_any_origin(response)


def _ask_again(request: HttpRequest) -> intake.TooMany | None:
    """Let the mail be sent once more to the address in the form, within the limits. Alike for every address."""
    admission = protection.admit(request, request.POST)
    if admission != protection.Admission.ADMITTED:
        return None if admission == protection.Admission.CAUGHT else intake.TooMany()
    email = request.POST.get("email", "")
    is_unproven = protection.is_unproven(request.POST, email=email)
    _ring(ask_again(email=email, now=timezone.now(), is_unproven=is_unproven))
    return None


def _by_page(request: HttpRequest) -> HttpResponse:
    _speak_as(request.POST.getlist("newsletters"))
    found = intake.take_in(request=request, sent=request.POST, now=timezone.now(), asks_back=True)
    if not isinstance(found, intake.Taken):
        return answers.as_page(request, found)
    _ring(found.sign_up)
    return inbox_page(**({"slow": 1} if found.is_slow else {}))


def _by_program(request: HttpRequest) -> HttpResponse:
    try:
        sent = intake.sent_fields(request)
    except intake.NoForm:
        return answers.no_form()
    _speak_as(sent.getlist("newsletters"))
    found = intake.take_in(request=request, sent=sent, now=timezone.now(), asks_back=False)
    if isinstance(found, intake.Taken):
        _ring(found.sign_up)
    return answers.as_json(found)


def _speak_as(slugs: list[str]) -> None:
    """A form for one newsletter is answered in its language; one for several in the site's, unless they agree."""
    named = [slug for slug in slugs[:MOST_NAMED] if slug_re.fullmatch(slug)]
    languages = set(Newsletter.objects.filter(slug__in=named).values_list("language", flat=True))
    if len(languages) == 1:
        speak(*languages)


def inbox_page(**values: int) -> SeeOther:
    """To "check your inbox", in the language in which we speak now: the page itself knows no newsletter."""
    language = get_language() or ""
    asked = {**values, **({"in": language} if language != settings.LANGUAGE_CODE else {})}
    return SeeOther(reverse("subscribers:check_inbox") + (f"?{urlencode(asked)}" if asked else ""))


def _ring(row: SignUp | None) -> None:
    if row:
        ring(tasks.send_confirmation, sign_up_id=row.pk)
