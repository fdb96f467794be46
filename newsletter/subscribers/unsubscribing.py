"""Leaving: at once, without a password, as easily as it was to join; and coming back after a slip."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from newsletter.subscribers import changes
from newsletter.subscribers.consent import record_given, record_withdrawn
from newsletter.subscribers.models import Cadence, Change, ConsentRecord, Newsletter, Subscriber, Subscription

UNDO_PERIOD = timedelta(days=7)
SLIP_PERIOD = timedelta(hours=1)  # for so long the preferences page offers to undo what was left on it
Method = ConsentRecord.Method
BY_OTHERS = (Method.EDITOR.value, Method.IMPORT.value)
BY_THEMSELVES = (Method.ONE_CLICK.value, Method.PAGE.value, Method.PREFERENCES.value)


@transaction.atomic
def unsubscribe(*, subscription: Subscription, method: ConsentRecord.Method, now: datetime) -> bool:
    """End the subscription at once and keep the withdrawal. False if it had ended before.

    A wish by which anybody may have opened anew what had ended is as ended as it was, or the undoing of this would
    bring back somebody who left long ago. One that was never confirmed ends too, but nobody has left by that: where no
    consent was given none is withdrawn. Who leaves by their own word after an editor or an import had ended it has
    left: neither can take it back any more.
    """
    if subscription.close_unconfirmed():
        _take_over(subscription, method)
        return False
    if subscription.retract(now, reason=method.value):
        _tell_of_retracted(subscription, method, now)
        return True
    if not subscription.end(now, reason=method.value):
        _take_over(subscription, method)
        return False
    record_withdrawn(subscription, method=method, now=now)
    return True


def _take_over(subscription: Subscription, method: ConsentRecord.Method) -> None:
    by_others = Subscription.objects.filter(pk=subscription.pk, ended_reason__in=BY_OTHERS)
    by_others.filter(status=Subscription.Status.ENDED).update(ended_reason=method.value, import_run=None)


def _tell_of_retracted(subscription: Subscription, method: ConsentRecord.Method, now: datetime) -> None:
    """In the timeline, which tells of joining and leaving from the consent records alone."""
    if method in BY_THEMSELVES:
        Change.objects.create(
            subscriber_id=subscription.subscriber_id, newsletter_id=subscription.newsletter_id, by=Change.By.READER,
            field="status", before=Subscription.Status.PENDING, after=Subscription.Status.ENDED, at=now,
        )  # fmt: skip


@transaction.atomic
def unsubscribe_from_all(*, subscriber: Subscriber, method: ConsentRecord.Method, now: datetime) -> int:
    """End everything this person has. Returns how many subscriptions ended."""
    subscriptions = subscriber.subscriptions.select_related("subscriber").order_by("pk")
    return sum(unsubscribe(subscription=each, method=method, now=now) for each in subscriptions)


def rarer_cadences(subscription: Subscription) -> list[tuple[str, str]]:
    """What this newsletter offers that comes less often than the reader gets it, as (value, label).

    Nothing while it waits to be confirmed: there is no "less" of what does not come.
    """
    is_waiting = subscription.status == Subscription.Status.PENDING
    if is_waiting or subscription.newsletter.kind != Newsletter.Kind.DIGEST:
        return []
    values = list(Cadence.values)
    rarer = values[values.index(subscription.cadence) + 1 :]
    return [(value, label) for value, label in subscription.newsletter.cadence_choices() if value in rarer]


@transaction.atomic
def take_less(*, subscription: Subscription, cadence: str, now: datetime) -> bool:
    """Stay, or come back after a slip, with a rarer ``cadence``. False if it is none, or too late to come back."""
    if cadence not in dict(rarer_cadences(subscription)):
        return False
    if subscription.status == Subscription.Status.ENDED:
        return undo(subscription=subscription, now=now, cadence=cadence)
    with changes.recorded(subscription.subscriber, author=changes.READER, now=now):
        subscription.cadence = cadence
        subscription.save(update_fields=["cadence"])
    return True


def may_undo(subscription: Subscription, now: datetime) -> bool:
    """Was it the reader who left, and lately? An old mail that was passed on must not subscribe anybody."""
    return (
        subscription.status == Subscription.Status.ENDED
        and subscription.ended_reason in BY_THEMSELVES
        and bool(subscription.confirmed_at or subscription.imported_at)
        and subscription.ended_at is not None
        and now - subscription.ended_at <= UNDO_PERIOD
        and _is_theirs(subscription, subscription.ended_at)
    )


def _is_theirs(subscription: Subscription, ended_at: datetime) -> bool:
    """Was it their click that ended it, and not one after somebody else had?"""
    withdrawn = ConsentRecord.objects.filter(
        subscriber=subscription.subscriber_id, newsletter=subscription.newsletter_id,
        action=ConsentRecord.Action.WITHDRAWN, at=ended_at,
    )  # fmt: skip
    return withdrawn.filter(method__in=BY_THEMSELVES).exists()


@transaction.atomic
def undo(*, subscription: Subscription, now: datetime, cadence: str = "") -> bool:
    """Come back after a slip, with another ``cadence`` if one is given. False if it is too late or nothing to undo."""
    if not may_undo(subscription, now) or not subscription.undo_end():
        return False
    record_given(subscription, method=ConsentRecord.Method.PAGE, now=now)
    if cadence in subscription.newsletter.cadences:
        subscription.cadence = cadence
        subscription.save(update_fields=["cadence"])
    return True


def left_just_now(subscriber: Subscriber, now: datetime) -> list[Subscription]:
    """What the reader's last click on the preferences page ended, if that was not long ago."""
    ended = subscriber.subscriptions.filter(status=Subscription.Status.ENDED, ended_at__gt=now - SLIP_PERIOD)
    here = ended.filter(ended_reason=ConsentRecord.Method.PREFERENCES.value)
    rows = list(here.select_related("newsletter", "subscriber").order_by("-ended_at", "newsletter__position", "pk"))
    return [row for row in rows if row.ended_at == rows[0].ended_at and may_undo(row, now)]


@transaction.atomic
def undo_click(*, subscription: Subscription, now: datetime) -> int:
    """Undo the click that ended this subscription, with everything that the same click ended. Returns how many."""
    if subscription.ended_at is None:
        return 0
    together = Subscription.objects.filter(subscriber=subscription.subscriber_id, ended_at=subscription.ended_at)
    rows = together.select_related("subscriber", "newsletter").order_by("pk")
    return sum(undo(subscription=each, now=now) for each in rows)
