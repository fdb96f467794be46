"""From a form to a confirmed subscription: double opt-in.

Anybody may enter any address, so a form changes nothing for its owner: it makes wishes that wait, and at most one
mail (see limits.py), which is sent by a worker so that the answer takes the same time for every address. Only the
link in that mail makes a wish a subscription.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from articles.models import Topic
from newsletter.lib import mail
from newsletter.subscribers import changes, limits, measuring
from newsletter.subscribers.consent import record_given
from newsletter.subscribers.languages import language_of
from newsletter.subscribers.models import ConsentRecord, Newsletter, SignUp, Subscriber, Subscription, TopicSet
from newsletter.subscribers.owed_mail import hand_over
from newsletter.subscribers.shield import budget
from newsletter.subscribers.welcoming import owe_welcome


@dataclass(frozen=True, slots=True)
class SignUpForm:
    """What somebody sent with a sign-up form, checked: ``email`` has passed parse_address, the rest is clean text."""

    email: str
    newsletters: tuple[str, ...]
    topics: tuple[str, ...] = ()
    cadence: str = ""
    name: str = ""
    language: str = ""
    time_zone: str = ""
    page_url: str = ""
    ip_address: str | None = None
    user_agent: str = ""
    is_unproven: bool = False
    asks_measuring: bool = False


def validity() -> timedelta:
    """How long a confirmation link works."""
    return timedelta(days=settings.CONFIRMATION_DAYS)


@transaction.atomic
def sign_up(*, form: SignUpForm, now: datetime) -> SignUp | None:
    """Take a form in. None if none of its newsletters is open. What is active already is left as it is."""
    newsletters = list(Newsletter.objects.open().filter(slug__in=form.newsletters))
    if not newsletters:
        return None
    subscriber = _subscriber(form)
    topic_set = TopicSet.objects.of(Topic.objects.filter(slug__in=form.topics)) if form.topics else None
    wishes = _wish(subscriber, newsletters, cadence=form.cadence, topic_set=topic_set)
    row = _waiting(subscriber, now, form, asks_measuring=form.asks_measuring and measuring.is_offered(newsletters))
    row.subscriptions.add(*wishes)
    return row


def wishes_of(sign_up: SignUp, now: datetime) -> list[Subscription]:
    """What the link's page offers: everything this person asked for lately and has not confirmed.

    Not only this link's own wishes: whoever signs up for a second newsletter on the same day gets no second mail.
    """
    pending = Subscription.objects.filter(subscriber=sign_up.subscriber, status=Subscription.Status.PENDING)
    recent = pending.filter(sign_ups__created_at__gt=now - validity()).distinct()
    return list(recent.select_related("newsletter", "subscriber").order_by("newsletter__position", "pk"))


@transaction.atomic
def confirm(
    *, sign_up: SignUp, now: datetime, chosen: Collection[int] | None = None, ip_address: str | None = None,
    allows_measuring: bool = False,
) -> list[Subscription]:  # fmt: skip
    """Use the link up: the ``chosen`` wishes (ids of subscriptions; None: those of this link) become active.

    Returns what became active: nothing if the link was used or has expired. Each gets its consent record.
    ``allows_measuring``: what is ticked on the link's page counts, not what anybody ticked on the form.
    """
    if chosen is None:
        chosen = set(sign_up.subscriptions.values_list("pk", flat=True))
    wishes = [wish for wish in wishes_of(sign_up, now) if wish.pk in chosen]
    if not wishes or sign_up.expires_at <= now or not sign_up.confirm(now):
        return []
    confirmed = [wish for wish in wishes if wish.confirm(now)]
    for subscription in confirmed:
        record_given(
            subscription,
            method=ConsentRecord.Method.CONFIRMED,
            now=now,
            sign_up=subscription.sign_ups.order_by("pk").last(),
            confirmation_ip=ip_address,
        )
    if allows_measuring and measuring.is_offered(each.newsletter for each in confirmed):
        _allow_measuring(sign_up.subscriber, now)
    limits.start_anew(sign_up.subscriber.address_hash)
    owe_welcome(confirmed, now=now)
    return confirmed


def _allow_measuring(subscriber: Subscriber, now: datetime) -> None:
    with changes.recorded(subscriber, author=changes.READER, now=now):
        measuring.allow(subscriber, allows=True, method=ConsentRecord.Method.CONFIRMED, now=now)


@transaction.atomic
def renew(*, sign_up: SignUp, now: datetime) -> SignUp | None:
    """A new link for what an expired one asked for. None if the old one still works or nothing of it is pending."""
    pending = list(sign_up.subscriptions.filter(status=Subscription.Status.PENDING))
    if sign_up.expires_at > now or not pending:
        return None
    row = _waiting(sign_up.subscriber, now, sign_up, asks_measuring=sign_up.asks_measuring)
    row.subscriptions.add(*pending)
    return row


def send_confirmation(*, sign_up_id: int, now: datetime) -> bool:
    """Send the mail that this sign-up is owed, if it is still owed one. True if a mail was accepted just now.

    Safe to call at any time and twice at once. The row says what happened: mailed, skipped and why, or when next.
    """
    row = _claim(sign_up_id, now)
    return row is not None and hand_over(row, _mail_what_is_owed, now=now)


def _asked_for(row: SignUp) -> list[Subscription]:
    """What the mail is about. Whoever only asks for the mail again and has nothing waiting may have it all already."""
    asked = row.subscriptions.all()
    if row.is_asked_again and not asked.exists():
        has = [Subscription.Status.ACTIVE, Subscription.Status.PAUSED]
        asked = Subscription.objects.filter(subscriber=row.subscriber_id, status__in=has)
    return list(asked.select_related("newsletter").order_by("newsletter__position", "pk"))


def _waiting_of(row: SignUp) -> list[Subscription]:
    """What this person wished for lately and has not confirmed, for a mail that was asked for again."""
    recent = SignUp.objects.filter(subscriber=row.subscriber_id, created_at__gt=row.created_at - validity())
    pending = Subscription.objects.filter(subscriber=row.subscriber_id, status=Subscription.Status.PENDING)
    return list(pending.filter(sign_ups__in=recent).distinct())


def _subscriber(form: SignUpForm) -> Subscriber:
    profile = {"name": form.name, "language": form.language, "time_zone": form.time_zone}
    subscriber = Subscriber.objects.with_address(form.email, **profile)
    given = {field: value for field, value in profile.items() if value}
    if given:  # only while nothing is confirmed: whoever fills in a form need not be the reader
        confirmed = [Subscription.Status.ACTIVE, Subscription.Status.PAUSED]
        unconfirmed = Subscriber.objects.exclude(subscriptions__status__in=confirmed)
        unconfirmed.filter(pk=subscriber.pk).update(**given)
    return subscriber


def _wish(
    subscriber: Subscriber, newsletters: list[Newsletter], *, cadence: str, topic_set: TopicSet | None
) -> list[Subscription]:
    """Pending subscriptions, new or reopened. The same statements are run for every address, known or not."""
    wishes = [
        Subscription(
            subscriber=subscriber,
            newsletter=newsletter,
            cadence=newsletter.cadence_or_default(cadence),
            topic_set=topic_set,
        )
        for newsletter in newsletters
    ]
    Subscription.objects.bulk_create(wishes, ignore_conflicts=True)
    for wish in wishes:
        same = Subscription.objects.filter(subscriber=subscriber, newsletter=wish.newsletter)
        values = {"cadence": wish.cadence, "topic_set": topic_set, "import_run": None}
        same.unconfirmed().update(status=Subscription.Status.PENDING, **values)
    return list(Subscription.objects.filter(subscriber=subscriber, newsletter__in=newsletters))


def _waiting(subscriber: Subscriber, now: datetime, traces: SignUpForm | SignUp, *, asks_measuring: bool) -> SignUp:
    """A new use of the form, with what an earlier one or the form itself says of where it came from."""
    return SignUp.objects.create(
        subscriber=subscriber,
        is_unproven=traces.is_unproven,
        asks_measuring=asks_measuring,
        page_url=traces.page_url,
        ip_address=traces.ip_address,
        user_agent=traces.user_agent,
        created_at=now,
        next_attempt_at=now,
        expires_at=now + validity(),
    )


@transaction.atomic
def _claim(sign_up_id: int, now: datetime) -> SignUp | None:
    row = SignUp.objects.unmailed().select_related("subscriber").filter(pk=sign_up_id).first()
    if row is None:
        return None
    limits.hold(row.subscriber.address_hash)
    if not row.claim(now):
        return None
    if row.is_asked_again:
        row.subscriptions.add(*_waiting_of(row))
    reason = limits.reason_not_to_mail(row, now)
    if not _asked_for(row):
        reason = reason or SignUp.Reason.NOTHING
    elif reason == SignUp.Reason.TOO_SOON and (until := limits.second_mail_at(row, now)):
        row.postpone(until=until, response=SignUp.TOO_EARLY)
        return None
    if reason:
        row.skip(reason, now=now)
        return None
    if until := budget.must_wait_until(row, now):
        row.postpone(until=until, response=SignUp.HELD_BACK)
        return None
    limits.count_mail(row, address_hash=row.subscriber.address_hash, now=now)
    return row


def _mail_what_is_owed(row: SignUp) -> None:
    asked = _asked_for(row)
    pending = [each.newsletter for each in asked if each.status == Subscription.Status.PENDING]
    if pending:
        _mail_link(row, pending)
    else:
        _mail_reminder(row, [each.newsletter for each in asked])


def _mail_link(row: SignUp, newsletters: list[Newsletter]) -> None:
    path = reverse("subscribers:confirm", kwargs={"token": row.token})
    context = {"confirm_url": settings.SITE_URL + path, "days": settings.CONFIRMATION_DAYS}
    _mail(row, "confirmation", newsletters, context)


def _mail_reminder(row: SignUp, newsletters: list[Newsletter]) -> None:
    path = reverse("subscribers:preferences", kwargs={"token": row.subscriber.preferences_token})
    _mail(row, "already_subscribed", newsletters, {"preferences_url": settings.SITE_URL + path})


def _mail(row: SignUp, template: str, newsletters: list[Newsletter], context: dict[str, object]) -> None:
    language = language_of(row.subscriber, newsletter=newsletters[0] if newsletters else None)
    mail.send(
        template=template,
        to=row.subscriber.email,
        language=language,
        context={**context, "newsletters": newsletters},
    )
