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
from newsletter.lib.tokens import Purpose
from newsletter.subscribers import links, personal_mail, privacy, protection, tasks
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber
from newsletter.subscribers.self_service import changing_address, disclosure
from newsletter.subscribers.self_service.changing_address import Outcome
from newsletter.subscribers.self_service.forms import AddressForm, NewAddressForm
from newsletter.subscribers.surfaces.views import SeeOther
from newsletter.subscribers.views import private


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def my_link(request: HttpRequest) -> HttpResponse:
    """A page for those who have no mail of ours at hand. The answer is the same for every address."""
    if request.method != "POST":
        return _link_form(request, AddressForm())
    if protection.is_caught(request.POST):
        return SeeOther(reverse("subscribers:link_sent"))
    if not protection.may_sign_up(protection.client_address(request)):
        return render(request, "subscribers/too_many.html", status=429)
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _link_form(request, form, status=400)
    _ring(personal_mail.ask_for_link(email=form.cleaned_data["email"], now=timezone.now()))
    return SeeOther(reverse("subscribers:link_sent"))


@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/link_sent.html")


@private
def change_address(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks for the new address; POST sends a link to it, whoever may have it. Nothing changes yet."""
    subscriber = links.subscriber_behind(token)
    if subscriber is None:
        return _gone(request)
    sent = request.POST if request.method == "POST" else None
    form = NewAddressForm(sent, subscriber=subscriber, now=timezone.now())
    context = {"subscriber": subscriber, "token": token, "form": form, "is_asked": "asked" in request.GET}
    if request.method != "POST":
        return render(request, "subscribers/change_address.html", context)
    if not form.is_valid():
        return render(request, "subscribers/change_address.html", context, status=400)
    if not protection.may_sign_up(protection.client_address(request)):  # it mails whomever one names
        return render(request, "subscribers/too_many.html", status=429)
    if not form.is_ignored:
        email = form.cleaned_data["email"]
        _ring(changing_address.ask(subscriber=subscriber, new_email=email, now=timezone.now()))
    return SeeOther(f"{request.path}?asked")


@private
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail to the new address. GET shows a button, POST makes the change."""
    change, now = links.change_behind(token, purpose=Purpose.CHANGE_ADDRESS), timezone.now()
    if change is None:
        return _gone(request)
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


def _link_form(request: HttpRequest, form: AddressForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "honeypot": protection.HONEYPOT}
    return render(request, "subscribers/my_link.html", context, status=status)


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/nobody.html")


def _ring(owed: PersonalMail | None) -> None:
    if owed:
        ring(tasks.send_personal_mail, mail_id=owed.pk)
