"""What readers do with their own record: get their link, change their address, download everything, be erased.

As everywhere in this part GET changes nothing, and the signed token is the only key (see newsletter.subscribers.views).
"""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from newsletter.lib.doorbell import ring
from newsletter.lib.languages import speak
from newsletter.lib.tokens import Purpose
from newsletter.subscribers import changes, links, personal_mail, privacy, protection, renewing_link, tasks
from newsletter.subscribers.languages import language_of
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber
from newsletter.subscribers.pages import address_form
from newsletter.subscribers.protection import Admission
from newsletter.subscribers.self_service import changing_address, disclosure
from newsletter.subscribers.self_service.changing_address import Outcome
from newsletter.subscribers.self_service.forms import AddressForm, NewAddressForm
from newsletter.subscribers.suppression import is_suppressed
from newsletter.subscribers.surfaces.views import SeeOther
from newsletter.subscribers.views import private


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def my_link(request: HttpRequest) -> HttpResponse:
    """A page for those who have no mail of ours at hand. The answer is the same for every address."""
    if request.method != "POST":
        return _link_form(request, AddressForm())
    if refusal := _refused_at_the_door(request, reverse("subscribers:link_sent")):
        return refusal
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _link_form(request, form, status=400)
    row = personal_mail.ask_for_link(
        email=form.cleaned_data["email"], now=timezone.now(), is_unproven=form.is_unproven()
    )
    _ring(row)
    return SeeOther(reverse("subscribers:link_sent") + ("?slow" if row.is_unproven else ""))


@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/link_sent.html", {"is_slow": "slow" in request.GET})


@private
def change_address(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks for the new address; POST sends a link to it, whoever may have it. Nothing changes yet."""
    subscriber = links.subscriber_behind(token)
    if subscriber is None:
        return _gone(request)
    speak(language_of(subscriber))
    if request.method != "POST":
        form = NewAddressForm(None, subscriber=subscriber, now=timezone.now())
        return _new_address_form(request, form, token)
    if refusal := _refused_at_the_door(request, f"{request.path}?asked"):  # it mails whomever one names
        return refusal
    form = NewAddressForm(request.POST, subscriber=subscriber, now=timezone.now())
    if not form.is_valid():
        return _new_address_form(request, form, token, status=400)
    is_unproven = form.is_unproven()
    if not form.is_ignored:
        email, now = form.cleaned_data["email"], timezone.now()
        _ring(changing_address.ask(subscriber=subscriber, new_email=email, now=now, is_unproven=is_unproven))
    return SeeOther(f"{request.path}?asked" + ("&slow" if is_unproven else ""))


@private
def renew_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks once; POST makes all earlier links useless, this one too, and mails a new one to the person's address.

    The new link is shown to nobody here: whoever pressed the button may be the one who should not have the old one.
    """
    subscriber = links.subscriber_behind(token)
    if subscriber is None:
        return _gone(request)
    speak(language_of(subscriber))
    if request.POST.get("action") != "renew":
        context = {"subscriber": subscriber, "token": token, "is_suppressed": is_suppressed(subscriber.email)}
        return render(request, "subscribers/renew_link.html", context)
    _ring(renewing_link.renew(subscriber=subscriber, author=changes.READER, now=timezone.now()))
    return SeeOther(reverse("subscribers:link_renewed"))


@require_safe
def link_renewed(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/link_renewed.html")


@private
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail to the new address. GET shows a button, POST makes the change."""
    change, now = links.change_behind(token, purpose=Purpose.CHANGE_ADDRESS), timezone.now()
    if change is None:
        return _gone(request)
    speak(language_of(change.subscriber))
    if request.method != "POST" and change.may_be_made(now):
        return render(request, "subscribers/confirm_address.html", {"change": change})
    if request.method != "POST":
        return _changed(request, change, changing_address.made_before(change, now))
    outcome, owed = changing_address.make(change=change, now=now)
    change.subscriber.refresh_from_db()
    _ring(owed)
    return _changed(request, change, outcome)


@private
def undo_address(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail to the old address. GET shows a button, POST takes the change back."""
    change, now = links.change_behind(token, purpose=Purpose.UNDO_ADDRESS), timezone.now()
    if change is None:
        return _gone(request)
    speak(language_of(change.subscriber))
    if request.method == "POST":
        outcome = changing_address.undo(change=change, now=now)
        change.subscriber.refresh_from_db()
    elif change.may_be_undone(now):
        return render(request, "subscribers/undo_address.html", {"change": change})
    else:
        outcome = changing_address.undone_before(change, now)
    context = {"change": change, "outcome": outcome.value}
    return render(request, "subscribers/address_restored.html", context, status=_status(outcome))


@private
def download(request: HttpRequest, token: str) -> HttpResponse:
    """Everything that we hold on this person, as a file."""
    subscriber = links.subscriber_behind(token)
    if subscriber is None:
        return _gone(request)
    speak(language_of(subscriber))
    content = json.dumps(disclosure.everything_about(subscriber, now=timezone.now()), ensure_ascii=False, indent=2)
    response = HttpResponse(content, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slugify(settings.SITE_NAME) or "newsletter"}.json"'
    return response


@private
def erase(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks once, POST erases at once. A POST that is not the page's does nothing."""
    subscriber = links.subscriber_behind(token)
    if subscriber is None:
        return _gone(request)
    speak(language_of(subscriber))
    if request.POST.get("action") != "erase":
        return render(request, "subscribers/erase.html", {"subscriber": subscriber, "token": token})
    erased = privacy.erase(subscriber=subscriber, now=timezone.now())
    return render(request, "subscribers/erased.html", {"erased": erased})


def _changed(request: HttpRequest, change: AddressChange, outcome: Outcome) -> HttpResponse:
    """Only who reads the new address's mail gets here, so they may be told, and shown, what else it has with us."""
    holder = change.subscriber
    if outcome == Outcome.TAKEN:
        holder = Subscriber.objects.with_address(change.new_email)
    context = {"change": change, "outcome": outcome.value, "holder": holder}
    return render(request, "subscribers/address_changed.html", context, status=_status(outcome))


def _status(outcome: Outcome) -> int:
    return {Outcome.DONE: 200, Outcome.TOO_LATE: 410}.get(outcome, 409)


def _refused_at_the_door(request: HttpRequest, usual: str) -> HttpResponse | None:
    """For who is not let in: the usual answer to a robot, "please wait" to a network that has sent very many."""
    admission = protection.admit(request, request.POST)
    if admission == Admission.TOO_MANY:
        return render(request, "subscribers/too_many.html", status=429)
    return SeeOther(usual) if admission == Admission.CAUGHT else None


def _link_form(request: HttpRequest, form: AddressForm, *, status: int = 200) -> HttpResponse:
    return render(request, "subscribers/my_link.html", address_form(form), status=status)


def _new_address_form(request: HttpRequest, form: NewAddressForm, token: str, *, status: int = 200) -> HttpResponse:
    context = {
        "subscriber": form.subscriber, "token": token, "is_asked": "asked" in request.GET,
        "is_slow": "slow" in request.GET, **address_form(form),
    }  # fmt: skip
    return render(request, "subscribers/change_address.html", context, status=status)


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/nobody.html")


def _ring(owed: PersonalMail | None) -> None:
    if owed:
        ring(tasks.send_personal_mail, mail_id=owed.pk)
