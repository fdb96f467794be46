"""The welcome mail: one for a confirmed subscription, where its newsletter wants that, sent by a worker.

The row says what happened, so running anything here twice, late or never (the sweep rings again) is harmless.
What the parts above know of it, the newsletter's look and the best articles of the last days, comes from the function
that the setting WELCOME_CONTENTS names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string

from newsletter.lib import mail
from newsletter.lib.headers import list_unsubscribe
from newsletter.subscribers.languages import language_of
from newsletter.subscribers.models import Subscription, WelcomeMail
from newsletter.subscribers.models.owed import HEAD_START as HEAD_START
from newsletter.subscribers.owed_mail import hand_over
from newsletter.subscribers.suppression import is_suppressed

DEADLINE = timedelta(days=1)  # who has had the first issues needs no welcome any more


def owe_welcome(confirmed: Iterable[Subscription], *, now: datetime) -> None:
    """Note the mails that these subscriptions, confirmed just now, are owed. Call it in the same transaction."""
    rows = [
        WelcomeMail(subscription=subscription, created_at=now, next_attempt_at=now)
        for subscription in confirmed
        if subscription.newsletter.sends_welcome
    ]
    WelcomeMail.objects.bulk_create(rows, ignore_conflicts=True)  # somebody who came back has had theirs


def owed_welcomes(now: datetime) -> list[int]:
    """Ids of the mails that are due and were not sent when the doorbell rang, the oldest first."""
    return WelcomeMail.objects.overdue(now)


def welcomes_of(confirmed: Iterable[Subscription]) -> list[int]:
    """Ids of the mails that wait for these subscriptions, for ringing."""
    waiting = WelcomeMail.objects.filter(subscription__in=list(confirmed), status=WelcomeMail.Status.WAITING)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def send_welcome(*, welcome_mail_id: int, now: datetime) -> bool:
    """Send this mail if it is still owed. True if it was accepted just now."""
    rows = WelcomeMail.objects.select_related("subscription__subscriber", "subscription__newsletter")
    row = rows.filter(pk=welcome_mail_id).first()
    if row is None or not row.claim(now):
        return False
    if reason := _reason_not_to(row, now):
        row.skip(reason, now=now)
        return False
    contents = _contents(row, now=now)  # before a server is asked: what is shown is noted first
    return hand_over(row, partial(_mail, contents=contents), now=now)


def _reason_not_to(row: WelcomeMail, now: datetime) -> WelcomeMail.Reason | None:
    if row.subscription.status != Subscription.Status.ACTIVE:
        return WelcomeMail.Reason.LEFT
    if is_suppressed(row.subscription.subscriber.email):
        return WelcomeMail.Reason.SUPPRESSED
    return WelcomeMail.Reason.TOO_LATE if now - row.created_at > DEADLINE else None


def _contents(row: WelcomeMail, *, now: datetime) -> Mapping[str, object]:
    with translation.override(_language(row.subscription)):
        contents: Mapping[str, object] = import_string(settings.WELCOME_CONTENTS)(row, now=now)
    return contents


def _language(subscription: Subscription) -> str:
    return language_of(subscription.subscriber, newsletter=subscription.newsletter)


def _mail(row: WelcomeMail, *, contents: Mapping[str, object]) -> None:
    subscription = row.subscription
    newsletter, subscriber = subscription.newsletter, subscription.subscriber
    mail.send(
        template="welcome",
        to=subscriber.email,
        language=_language(subscription),
        sender=mail.sender_line(newsletter.sender_name, newsletter.sender_address),
        headers=leaving_headers(subscription),
        context={
            "newsletter": newsletter,
            "subscription": subscription,
            **contents,
            "latest_url": settings.SITE_URL + reverse("digests:latest", args=[newsletter.slug]),
            "preferences_url": settings.SITE_URL
            + reverse("subscribers:preferences", args=[subscriber.preferences_token]),
            "unsubscribe_url": _unsubscribe_url(subscription),
        },
    )


def _unsubscribe_url(subscription: Subscription) -> str:
    return settings.SITE_URL + reverse("subscribers:unsubscribe", args=[subscription.unsubscribe_token])


def leaving_headers(subscription: Subscription) -> dict[str, str]:
    """As every mail of a newsletter: one click leaves it (RFC 8058)."""
    ways = list_unsubscribe(_unsubscribe_url(subscription), mailbox=settings.UNSUBSCRIBE_MAILBOX)
    headers = {"List-Unsubscribe": ways, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    reply_address = subscription.newsletter.reply_address
    return {**headers, "Reply-To": reply_address} if reply_address else headers
