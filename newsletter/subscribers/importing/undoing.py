"""Taking back what an import did, as long as nobody has changed it since.

A row that a person or an editor touched does not bear the import's mark any more, and stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef

from newsletter.subscribers.changes import UNTOLD
from newsletter.subscribers.models import (
    Change,
    ConsentRecord,
    ImportChange,
    ImportRun,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.models.imports import LEASE

BATCH = 2_000
type Step = Callable[[ImportRun, int, datetime], list[int]]


def advance(run: ImportRun, clock: Callable[[], datetime], until: datetime) -> bool:
    """Go on taking back. True once nothing is left of it."""
    for step in STEPS:
        after = 0  # the mark has no index: rows of one import lie together and are walked
        while pks := _take(step, run, after, clock()):
            after, now = pks[-1], clock()
            ImportRun.objects.filter(pk=run.pk).update(leased_until=now + LEASE, attempt_count=0)
            run.leased_until = now + LEASE
            if now >= until:
                return False
    return run.finish_undoing(clock())


@transaction.atomic
def _take(step: Step, run: ImportRun, after: int, now: datetime) -> list[int]:
    return step(run, after, now)


def _changes(run: ImportRun, after: int, now: datetime) -> list[int]:
    """Put back what was there, the latest change first, where it still is what the import made of it."""
    changes = list(run.changes.select_related("subscription").order_by("-pk")[:BATCH])
    for change in changes:
        _put_back(run, change, now)
    pks = [change.pk for change in changes]
    ImportChange.objects.filter(pk__in=pks).delete()
    return pks


def _put_back(run: ImportRun, change: ImportChange, now: datetime) -> None:
    if labels := change.after.get("labels"):
        put = Subscriber.labels.through.objects.filter(subscriber=change.subscriber_id, label__name__in=labels)
        put.delete()
        return
    if change.subscription is None:
        if Subscriber.objects.filter(pk=change.subscriber_id, **change.after).update(**change.before):
            _tell(change, now)
        return
    row = Subscription.objects.filter(pk=change.subscription.pk, **change.after)
    if not _was_touched(run, change.subscription) and row.update(**change.before):
        proof = ConsentRecord.objects.filter(import_run=run, subscriber_id=change.subscriber_id)
        proof.filter(newsletter_id=change.subscription.newsletter_id).take_back()


def _was_touched(run: ImportRun, subscription: Subscription) -> bool:
    """Has anybody agreed to it, left it or chosen something for it since the import began?"""
    since = {"subscriber": subscription.subscriber_id, "newsletter": subscription.newsletter_id,
             "at__gte": run.started_at}  # fmt: skip
    said = ConsentRecord.objects.filter(import_run=None, **since)
    return said.exists() or Change.objects.filter(**since).exclude(by=Change.By.IMPORT).exists()


def _tell(change: ImportChange, now: datetime) -> None:
    """The reader's timeline says that it was taken back, as it says that it was done."""
    Change.objects.bulk_create(
        Change(
            subscriber_id=change.subscriber_id, field=name, at=now, by=Change.By.IMPORT,
            before="" if name in UNTOLD else change.after[name][:500], after="",
        )
        for name in change.after
    )  # fmt: skip


def _sign_ups(run: ImportRun, after: int, now: datetime) -> list[int]:
    """Confirmation mails that have not gone out."""
    wishes = Subscription.objects.filter(import_run=run, status="pending")
    return _delete(SignUp.objects.filter(subscriptions__in=wishes, status=SignUp.Status.WAITING), after)


def _suppressions(run: ImportRun, after: int, now: datetime) -> list[int]:
    return _delete(Suppression.objects.filter(import_run=run), after)


def _consents(run: ImportRun, after: int, now: datetime) -> list[int]:
    """Of subscriptions that are taken back; of those that stay, because somebody touched them, the proof stays."""
    same = Subscription.objects.filter(subscriber_id=OuterRef("subscriber_id"), newsletter_id=OuterRef("newsletter_id"))
    rows = ConsentRecord.objects.filter(~Exists(same.filter(import_run=None)), import_run=run)
    pks = _first(rows, after)
    ConsentRecord.objects.filter(pk__in=pks).take_back()
    return pks


def _subscriptions(run: ImportRun, after: int, now: datetime) -> list[int]:
    return _delete(Subscription.objects.filter(import_run=run), after)


def _subscribers(run: ImportRun, after: int, now: datetime) -> list[int]:
    """People of whom nothing is left."""
    of_them = {"subscriber": OuterRef("pk")}
    subscribed = Exists(Subscription.objects.filter(**of_them))
    proven = Exists(ConsentRecord.objects.filter(**of_them))
    return _delete(Subscriber.objects.filter(~subscribed, ~proven, import_run=run), after)


def _delete(rows: models.QuerySet[Any], after: int) -> list[int]:
    pks = _first(rows, after)
    rows.model.objects.filter(pk__in=pks).delete()
    return pks


def _first(rows: models.QuerySet[Any], after: int) -> list[int]:
    return list(rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH])


STEPS: tuple[Step, ...] = (_changes, _sign_ups, _suppressions, _consents, _subscriptions, _subscribers)
