"""The pages on which readers confirm, choose and leave (surfaces/views.py: where they sign up).

GET and HEAD change nothing: mail programs and scanners open every link. The forms are exempt from Django's CSRF
check on purpose: the signed token in the address is the authority; there is no session to ride on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter.lib.addresses import redacted
from newsletter.lib.doorbell import ring
from newsletter.lib.languages import speak
from newsletter.subscribers import (
    links,
    lowering,
    measuring,
    protection,
    signup,
    silence,
    tasks,
    unsubscribing,
    welcoming,
)
from newsletter.subscribers.farewells import say_why
from newsletter.subscribers.forms import parse_preferences
from newsletter.subscribers.languages import language_of
from newsletter.subscribers.models import ConsentRecord, Farewell, SignUp, Subscriber, Subscription
from newsletter.subscribers.pages import preferences_page, sign_up_page
from newsletter.subscribers.preferences import offered_newsletters, resume, save_preferences
from newsletter.subscribers.surfaces.views import SeeOther, inbox_page

Method = ConsentRecord.Method
View = Callable[..., HttpResponse]
ROW_ID = re.compile("[0-9]{1,18}")


def private(view: View) -> View:
    """A page behind a token: never stored, never listed, and its address is told to nobody."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "OPTIONS", "POST"])
    @wraps(view)
    def wrapped(request: HttpRequest, token: str, **more: str) -> HttpResponse:
        try:
            response = view(request, token=token, **more)
        except links.Forged:
            response = render(request, "subscribers/no_such_link.html", sign_up_page(), status=404)
        response["Cache-Control"] = "no-store, private"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return wrapped


@private
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what will be confirmed, POST confirms it or, for an expired link, asks for a new one."""
    row, now = links.sign_up_behind(token), timezone.now()
    if row is None:
        return render(request, "subscribers/expired.html", sign_up_page(), status=410)
    speak(language_of(row.subscriber))
    if request.method == "POST" and "renew" in request.POST:
        return _mail_will_come(signup.renew(sign_up=row, now=now))
    if request.method != "POST":
        return _confirmation_page(request, row)
    chosen = {int(pk) for pk in request.POST.getlist("wishes") if ROW_ID.fullmatch(pk)}
    if "choosing" in request.POST and not chosen:
        return _confirmation_page(request, row, is_empty=True)
    address = protection.client_address(request)
    allows_measuring = measuring.FIELD in request.POST
    confirmed = signup.confirm(
        sign_up=row, now=now, chosen=chosen or None, ip_address=address, allows_measuring=allows_measuring
    )
    if not confirmed:
        return _confirmation_page(request, row)
    _welcome(confirmed)
    return render(request, "subscribers/welcome.html", {"subscriptions": confirmed, "subscriber": row.subscriber})


@private
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what this reader has chosen, POST changes it at once. A POST that is not the page's changes nothing."""
    subscriber, now = links.subscriber_behind(token), timezone.now()
    if subscriber is None:
        return render(request, "subscribers/nobody.html")
    speak(language_of(subscriber))
    act = CHANGES.get(request.POST.get("action", ""))
    if act is None:
        context = {**preferences_page(subscriber, now=now), "notice": request.GET.get("notice", ""), "token": token}
        return render(request, "subscribers/preferences.html", context)
    return SeeOther(f"{request.path}?notice={act(request, subscriber)}")


def _save(request: HttpRequest, subscriber: Subscriber) -> str:
    now = timezone.now()
    wanted = parse_preferences(request.POST, offered_newsletters(subscriber), today=now.date())
    _welcome(save_preferences(subscriber=subscriber, preferences=wanted, now=now))
    return "saved"


def _leave_all(_request: HttpRequest, subscriber: Subscriber) -> str:
    unsubscribing.unsubscribe_from_all(subscriber=subscriber, method=Method.PREFERENCES, now=timezone.now())
    return "left"


def _undo_leaving(_request: HttpRequest, subscriber: Subscriber) -> str:
    now = timezone.now()
    for subscription in unsubscribing.left_just_now(subscriber, now):
        unsubscribing.undo(subscription=subscription, now=now)
    return "undone"


def _say_why(request: HttpRequest, subscriber: Subscriber) -> str:
    now, sent = timezone.now(), request.POST
    for subscription in unsubscribing.left_just_now(subscriber, now):
        say_why(subscription=subscription, reason=sent.get("reason", ""), words=sent.get("words", ""), now=now)
    return "left"


def _resume(_request: HttpRequest, subscriber: Subscriber) -> str:
    resume(subscriber=subscriber, now=timezone.now())
    return "resumed"


def _keep(_request: HttpRequest, subscriber: Subscriber) -> str:
    lowering.keep(subscriber=subscriber, now=timezone.now())
    return "saved"


CHANGES: dict[str, Callable[[HttpRequest, Subscriber], str]] = {  # by the button; each names what the page then says
    "save": _save,
    "leave_all": _leave_all,
    "resume": _resume,
    "keep": _keep,
    "undo_leaving": _undo_leaving,
    "say_why": _say_why,
}


def _welcome(joined: list[Subscription]) -> None:
    for welcome_mail_id in welcoming.welcomes_of(joined):
        ring(tasks.send_welcome, welcome_mail_id=welcome_mail_id)


@private
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button; POST leaves at once, from the page or by a mail program's one click (RFC 8058)."""
    subscription = links.subscription_behind(token)
    if subscription is None:
        return render(request, "subscribers/nobody.html")
    speak(language_of(subscription.subscriber, newsletter=subscription.newsletter))
    if request.method == "POST":
        _act(request, subscription)
    context = {
        "subscription": subscription,
        "address": _in_one_piece(
            redacted(subscription.subscriber.email)
        ),  # the link stands in old mails, which are passed on
        "less_often": unsubscribing.rarer_cadences(subscription),
        "is_rarer_now": request.POST.get("action") == "less_often",
    }
    if subscription.status == Subscription.Status.PENDING:
        return render(request, "subscribers/wish.html", context)
    if subscription.status != Subscription.Status.ENDED:
        return render(request, "subscribers/unsubscribe.html", context)
    still = [Subscription.Status.ACTIVE, Subscription.Status.PAUSED]
    others = subscription.subscriber.subscriptions.filter(status__in=still)
    context["others"] = others.select_related("newsletter")
    context["may_undo"] = unsubscribing.may_undo(subscription, timezone.now())
    context["reasons"] = Farewell.Reason.choices
    context["has_said_why"] = Farewell.objects.filter(subscription=subscription).exists()
    return render(request, "subscribers/unsubscribed.html", context)


@private
def stay(request: HttpRequest, token: str, answer: str = "keep") -> HttpResponse:
    """Whether somebody who was silent still wants it: GET shows the answers, POST does what was chosen."""
    subscription = links.asked_subscription_behind(token)
    if subscription is None:
        return render(request, "subscribers/nobody.html")
    speak(language_of(subscription.subscriber, newsletter=subscription.newsletter))
    if request.method == "POST":
        return _stay(request, subscription, here=reverse("subscribers:stay", args=[token]))
    context = {
        "subscription": subscription,
        "token": token,
        "less_often": unsubscribing.rarer_cadences(subscription),
        "answer": answer if answer in silence.ANSWERS else "keep",
        "has_left": subscription.status == Subscription.Status.ENDED,
        "is_kept": request.GET.get("notice") == "kept",
        "leave_url": reverse("subscribers:unsubscribe", args=[subscription.unsubscribe_token]),
    }
    return render(request, "subscribers/stay.html", context)


def _stay(request: HttpRequest, subscription: Subscription, *, here: str) -> HttpResponse:
    now, action = timezone.now(), request.POST.get("action")
    if action not in {"keep", "less_often"} or subscription.status == Subscription.Status.ENDED:
        return SeeOther(here)
    if action == "less_often":
        unsubscribing.take_less(subscription=subscription, cadence=request.POST.get("cadence", ""), now=now)
    silence.revive([subscription.pk], now=now)
    return SeeOther(f"{here}?notice=kept")


def _in_one_piece(address: str) -> SafeString:
    """``r…@example.org`` would be broken after its dots, and in Arabic begin at the wrong end of the line."""
    return format_html('<bdi class="address">{}</bdi>', address)


def _act(request: HttpRequest, subscription: Subscription) -> None:
    now, action = timezone.now(), request.POST.get("action")
    if action == "undo":
        unsubscribing.undo_click(subscription=subscription, now=now)
    elif action == "less_often":
        unsubscribing.take_less(subscription=subscription, cadence=request.POST.get("cadence", ""), now=now)
    elif action == "say_why":
        sent = request.POST
        say_why(subscription=subscription, reason=sent.get("reason", ""), words=sent.get("words", ""), now=now)
    elif action == "leave_all":
        unsubscribing.unsubscribe_from_all(subscriber=subscription.subscriber, method=Method.PAGE, now=now)
    else:
        is_one_click = request.POST.get("List-Unsubscribe") == "One-Click"
        method = Method.ONE_CLICK if is_one_click else Method.PAGE
        unsubscribing.unsubscribe(subscription=subscription, method=method, now=now)
    subscription.refresh_from_db()


def _confirmation_page(request: HttpRequest, row: SignUp, *, is_empty: bool = False) -> HttpResponse:
    now = timezone.now()
    if row.status == SignUp.Status.CONFIRMED:
        return render(request, "subscribers/link_used.html")
    if row.expires_at <= now:
        statuses = set(row.subscriptions.values_list("status", flat=True))
        if statuses and statuses <= {Subscription.Status.ACTIVE, Subscription.Status.PAUSED}:  # by a later link
            return render(request, "subscribers/link_used.html")
        context = {**sign_up_page(), "may_renew": Subscription.Status.PENDING in statuses}
        return render(request, "subscribers/expired.html", context, status=410)
    wishes = signup.wishes_of(row, now)
    if not wishes:
        return render(request, "subscribers/link_used.html")
    own = set(row.subscriptions.values_list("pk", flat=True))
    asks_measuring = measuring.is_offered(wish.newsletter for wish in wishes) and not row.subscriber.allows_measuring
    context = {
        "wishes": wishes, "own": own, "subscriber": row.subscriber, "is_empty": is_empty,
        "asks_measuring": asks_measuring, "is_measuring_ticked": row.asks_measuring,
        "measuring_words": measuring.words(),
    }  # fmt: skip
    return render(request, "subscribers/confirm.html", context, status=400 if is_empty else 200)


def _mail_will_come(row: SignUp | None) -> HttpResponse:
    if row:
        ring(tasks.send_confirmation, sign_up_id=row.pk)
    return inbox_page()
