"""What a sign-up is answered with: a page, a page inside a frame, or JSON. Alike for every address."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from newsletter.subscribers.intake import InDoubt, Refused, Taken, TooMany
from newsletter.subscribers.models import Newsletter
from newsletter.subscribers.pages import sign_up_page

Found = Taken | Refused | InDoubt | TooMany


def as_page(request: HttpRequest, found: Refused | InDoubt | TooMany) -> HttpResponse:
    """The form once more with its reasons, or with the question which address was meant; or "please wait"."""
    if isinstance(found, TooMany):
        return _wait(render(request, "subscribers/too_many.html", status=429), found)
    context = sign_up_page(form=found.form)
    if isinstance(found, InDoubt):
        return render(request, "subscribers/sign_up.html", {**context, "suggestion": found.suggestion})
    return render(request, "subscribers/sign_up.html", context, status=400)


def in_frame(request: HttpRequest, found: Found, newsletter: Newsletter) -> HttpResponse:
    """The same on the small page inside a frame, which never leads anywhere else."""
    context: dict[str, Any] = {"newsletter": newsletter}
    if isinstance(found, TooMany):
        return _wait(render(request, "subscribers/embed/too_many.html", context, status=429), found)
    if isinstance(found, Taken):
        return render(request, "subscribers/embed/check_inbox.html", {**context, "is_slow": found.is_slow})
    context |= sign_up_page(form=found.form, newsletter=newsletter)
    if isinstance(found, InDoubt):
        return render(request, "subscribers/embed/form.html", {**context, "suggestion": found.suggestion})
    return render(request, "subscribers/embed/form.html", context, status=400)


def asked_again_in_frame(request: HttpRequest, found: TooMany | None, newsletter: Newsletter) -> HttpResponse:
    """What the frame says to whoever asked for the mail once more."""
    if found:
        return in_frame(request, found, newsletter)
    context = {"newsletter": newsletter, "is_asked_again": True}
    return render(request, "subscribers/embed/check_inbox.html", context)


def as_json(found: Found) -> HttpResponse:
    """For the site's own front end. 202: taken; 422: which field is wrong and why; 429: come back later."""
    if isinstance(found, TooMany):
        message = _("Very many sign-ups have come from your network lately. Please try again in an hour.")
        return _wait(_json({"status": "limited", "errors": {"": [message]}}, status=429), found)
    if isinstance(found, Refused):
        errors = {"" if name == "__all__" else name: told for name, told in found.form.errors.items()}
        return _json({"status": "refused", "errors": errors}, status=422)
    message = _("We have sent you a mail. Please open the link in it to confirm.")
    if isinstance(found, Taken) and found.is_slow:
        message = _("You will get a mail, a little later than usual. Please open the link in it to confirm.")
    return _json({"status": "accepted", "message": message, "suggestion": found.form.suggestion or None}, status=202)


def no_form() -> HttpResponse:
    """The body could not be read at all."""
    return _json({"status": "refused", "errors": {"": [_("The body must be a form or a JSON object.")]}}, status=400)


def for_any_origin(response: HttpResponse) -> HttpResponse:
    """Let scripts of every site read this. They send no cookie with it, and there is none that it would look at."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "Retry-After"
    return response


def preflight() -> HttpResponse:
    """What a browser asks before a script of another site may send JSON here."""
    response = for_any_origin(HttpResponse(status=204))
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = "Accept, Content-Type"
    response["Access-Control-Max-Age"] = "86400"
    response["Allow"] = "GET, HEAD, OPTIONS, POST"
    return response


def _json(values: dict[str, Any], *, status: int) -> HttpResponse:
    response = for_any_origin(JsonResponse(values, status=status, json_dumps_params={"ensure_ascii": False}))
    response["Cache-Control"] = "no-store"
    return response


def _wait(response: HttpResponse, found: TooMany) -> HttpResponse:
    response["Retry-After"] = str(found.retry_seconds)
    return response
