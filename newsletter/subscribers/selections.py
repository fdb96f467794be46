"""What the desk does to many at once, some hundreds in a statement, and how each is taken back.

Each deed tells to which rows it happened (the others had it already), with what they were before; undoing takes that,
and leaves alone whoever has moved on since.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from newsletter.subscribers import lowering, privacy
from newsletter.subscribers.models import (
    BulkAction,
    Change,
    ConsentRecord,
    ConsentWording,
    Label,
    Newsletter,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.spreadsheet import safe_cell

COLUMNS = ("email", "name", "language", "time_zone", "first_signed_up_at", "newsletters", "labels")
CHUNK = 500
MORE_OFTEN = "more_often"  # who is meant, by the values of a BulkAction
TAKEN_BACK = "an editor's mistake, taken back"
LIVING = (Subscription.Status.PENDING, Subscription.Status.ACTIVE, Subscription.Status.PAUSED)
Status = Subscription.Status
type Changed = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: the answers by name, who asks, and when it happens or, for undoing, happened."""

    values: Mapping[str, Any]
    editor_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """``apply`` returns to which of the rows it happened; ``undo`` of how many it could be taken back, by now."""

    apply: Callable[[Sequence[int], Order], Changed]
    undo: Callable[[Changed, Order, datetime], int] | None = None


# --- labels -----------------------------------------------------------------------------------------------------------
def _label(pks: Sequence[int], order: Order) -> Changed:
    through, label = Subscriber.labels.through, order.values["label"]
    if not Label.objects.filter(pk=label).exists():  # deleted meanwhile
        return []
    had = set(through.objects.filter(label=label, subscriber__in=pks).values_list("subscriber_id", flat=True))
    there = Subscriber.objects.filter(pk__in=pks).order_by("pk").values_list("pk", flat=True)
    new = [pk for pk in there if pk not in had]
    through.objects.bulk_create([through(subscriber_id=pk, label_id=label) for pk in new], ignore_conflicts=True)
    return [(pk, "") for pk in new]


def _unlabel(pks: Sequence[int], order: Order) -> Changed:
    rows = Subscriber.labels.through.objects.filter(label=order.values["label"], subscriber__in=pks)
    had = list(rows.order_by("subscriber").values_list("subscriber_id", flat=True))
    rows.delete()
    return [(pk, "") for pk in had]


# --- ending -----------------------------------------------------------------------------------------------------------
def _unsubscribe(pks: Sequence[int], order: Order) -> Changed:
    return _end_rows(Q(newsletter=order.values["newsletter"], subscriber__in=pks), order)


def _end(pks: Sequence[int], order: Order) -> Changed:
    return _end_rows(Q(pk__in=pks), order)


def _end_rows(which: Q, order: Order) -> Changed:
    """End them at once, as they asked an editor to; with a consent record for each who had agreed."""
    living = Subscription.objects.filter(which, status__in=LIVING).select_related("subscriber").order_by("pk")
    rows = list(living.select_for_update(of=("self",)))
    method = ConsentRecord.Method.EDITOR
    Subscription.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Status.ENDED, ended_at=order.at, ended_reason=method.value, import_run=None
    )
    ConsentRecord.objects.bulk_create(
        ConsentRecord(
            subscriber_id=row.subscriber_id, address_hash=row.subscriber.address_hash, at=order.at, method=method,
            newsletter_id=row.newsletter_id, action=ConsentRecord.Action.WITHDRAWN,
        )
        for row in rows
        if row.status != Status.PENDING  # nobody had agreed
    )  # fmt: skip
    Change.objects.bulk_create(
        _switched(row, before=Status.PENDING, after=Status.ENDED, editor_id=order.editor_id, at=order.at)
        for row in rows
        if row.status == Status.PENDING
    )
    return [(row.pk, row.status) for row in rows]


def _unend(changed: Changed, order: Order, now: datetime) -> int:
    """As they were, with a record that says why. Not who has left by their own word since: see unsubscribing.py."""
    before = dict(changed)
    ended = Subscription.objects.filter(
        pk__in=before, status=Status.ENDED, ended_at=order.at, ended_reason=ConsentRecord.Method.EDITOR.value
    )
    rows = list(ended.select_related("subscriber", "newsletter").order_by("pk").select_for_update(of=("self",)))
    for status in LIVING:
        back = Subscription.objects.filter(pk__in=[row.pk for row in rows if before[row.pk] == status])
        if status == Status.PENDING:  # once ended and asked for again: without a confirmation it ends as it had
            back.filter(Q(confirmed_at__isnull=False) | Q(imported_at__isnull=False)).update(status=status)
        back.filter(status=Status.ENDED).update(status=status, ended_at=None, ended_reason="")
    _record_taken_back([row for row in rows if before[row.pk] != Status.PENDING], now)
    Change.objects.bulk_create(
        _switched(row, before=Status.ENDED, after=Status.PENDING, editor_id=order.editor_id, at=now)
        for row in rows
        if before[row.pk] == Status.PENDING
    )
    return len(rows)


def _record_taken_back(rows: Iterable[Subscription], now: datetime) -> None:
    wordings: dict[int, ConsentWording] = {}
    records = []
    for row in rows:
        if row.newsletter_id not in wordings:
            wordings[row.newsletter_id] = ConsentWording.objects.current(row.newsletter)
        records.append(
            ConsentRecord(
                subscriber_id=row.subscriber_id, address_hash=row.subscriber.address_hash, at=now, note=TAKEN_BACK,
                newsletter_id=row.newsletter_id, action=ConsentRecord.Action.GIVEN, wording=wordings[row.newsletter_id],
                method=ConsentRecord.Method.EDITOR, asked_at=row.confirmed_at or row.imported_at,
            )
        )  # fmt: skip
    ConsentRecord.objects.bulk_create(records)


# --- pausing ----------------------------------------------------------------------------------------------------------
def _pause(pks: Sequence[int], order: Order) -> Changed:
    return _switch(pks, Status.ACTIVE, Status.PAUSED, order.editor_id, order.at)


def _resume(pks: Sequence[int], order: Order) -> Changed:
    resumed = _switch(pks, Status.PAUSED, Status.ACTIVE, order.editor_id, order.at)
    lowering.tell_after_pause([pk for pk, _until in resumed], now=order.at)
    return resumed


def _unpause(changed: Changed, order: Order, now: datetime) -> int:
    """Not who has paused by themselves since, which is until a day."""
    ours = Subscription.objects.filter(pk__in=dict(changed), paused_until=None).values_list("pk", flat=True)
    resumed = _switch(list(ours), Status.PAUSED, Status.ACTIVE, order.editor_id, now)
    lowering.tell_after_pause([pk for pk, _until in resumed], now=now)
    return len(resumed)


def _unresume(changed: Changed, order: Order, now: datetime) -> int:
    done = {pk for pk, _until in _switch([pk for pk, _ in changed], Status.ACTIVE, Status.PAUSED, order.editor_id, now)}
    ends: dict[str, list[int]] = {}
    for pk, until in changed:
        if until and pk in done:
            ends.setdefault(until, []).append(pk)
    for until, pks in ends.items():
        Subscription.objects.filter(pk__in=pks).update(paused_until=date.fromisoformat(until))
    return len(done)


def _switch(pks: Sequence[int], source: Status, to: Status, editor_id: int | None, at: datetime) -> Changed:
    """Each with a line in the reader's timeline. Before is until when they had paused."""
    rows = list(Subscription.objects.filter(pk__in=pks, status=source).order_by("pk").select_for_update(of=("self",)))
    Subscription.objects.filter(pk__in=[row.pk for row in rows]).update(status=to, paused_until=None, import_run=None)
    Change.objects.bulk_create(_switched(row, before=source, after=to, editor_id=editor_id, at=at) for row in rows)
    return [(row.pk, row.paused_until.isoformat() if row.paused_until else "") for row in rows]


def _switched(row: Subscription, *, before: Status, after: Status, editor_id: int | None, at: datetime) -> Change:
    return Change(
        subscriber_id=row.subscriber_id, newsletter_id=row.newsletter_id, by=Change.By.EDITOR, at=at,
        editor_id=editor_id, field="status", before=before.value, after=after.value,
    )  # fmt: skip


def _lower(pks: Sequence[int], order: Order) -> Changed:
    return lowering.lower(pks, cadence=order.values["cadence"], editor_id=order.editor_id, at=order.at)


def _unlower(changed: Changed, order: Order, now: datetime) -> int:
    cadence = order.values["cadence"]
    return lowering.take_back(changed, cadence=cadence, since=order.at, editor_id=order.editor_id, now=now)


# --- for good ---------------------------------------------------------------------------------------------------------
def _suppress(pks: Sequence[int], order: Order) -> Changed:
    """Never mail them again. Their subscriptions stay as they are, and are left out of every issue."""
    people = Subscriber.objects.filter(pk__in=pks).order_by("pk").only("pk", "email", "address_hash")
    by_hash = {person.address_hash: person for person in people}
    had = set(Suppression.objects.filter(address_hash__in=by_hash).values_list("address_hash", flat=True))
    new = [person for hash_, person in by_hash.items() if hash_ not in had]
    note, by_hand = str(order.values.get("note", ""))[:300], Suppression.Reason.BY_HAND
    Suppression.objects.bulk_create(
        [Suppression(email=person.email, address_hash=person.address_hash, reason=by_hand, note=note,
                     created_at=order.at) for person in new],
        ignore_conflicts=True,
    )  # fmt: skip
    return [(person.pk, "") for person in new]


def _unsuppress(changed: Changed, order: Order, now: datetime) -> int:
    hashes = Subscriber.objects.filter(pk__in=dict(changed)).values_list("address_hash", flat=True)
    by_hand = Suppression.objects.filter(
        address_hash__in=list(hashes), reason=Suppression.Reason.BY_HAND, created_at=order.at
    )
    return by_hand.delete()[0]


def _erase(pks: Sequence[int], order: Order) -> Changed:
    people = list(Subscriber.objects.filter(pk__in=pks).order_by("pk"))
    changed: Changed = [(person.pk, "") for person in people]  # before it: erasing takes the key away
    for person in people:
        privacy.erase(subscriber=person, now=order.at)
    return changed


Kind = BulkAction.Kind
DEEDS: Mapping[str, Deed] = {
    Kind.LABEL: Deed(_label, lambda changed, order, _now: len(_unlabel([pk for pk, _ in changed], order))),
    Kind.UNLABEL: Deed(_unlabel, lambda changed, order, _now: len(_label([pk for pk, _ in changed], order))),
    Kind.UNSUBSCRIBE: Deed(_unsubscribe, _unend),
    Kind.SUPPRESS: Deed(_suppress, _unsuppress),
    Kind.ERASE: Deed(_erase),
    Kind.PAUSE: Deed(_pause, _unpause),
    Kind.RESUME: Deed(_resume, _unresume),
    Kind.END: Deed(_end, _unend),
    Kind.LOWER: Deed(_lower, _unlower),
}


# --- export -----------------------------------------------------------------------------------------------------------
def csv_lines(subscribers: Any) -> Iterator[str]:
    """The header, then a line for each reader of the queryset, harmless to spreadsheet programs; memory stays flat."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    people = subscribers.prefetch_related("subscriptions__newsletter", "labels")
    for subscriber in people.iterator(chunk_size=CHUNK):
        gets = [f"{each.newsletter.slug} ({each.status})" for each in subscriber.subscriptions.all()]
        labels = [label.name for label in subscriber.labels.all()]
        cells = [
            subscriber.email, subscriber.name, subscriber.language, subscriber.time_zone,
            subscriber.created_at.isoformat(timespec="seconds"), "; ".join(gets), "; ".join(labels),
        ]  # fmt: skip
        yield writer.writerow([safe_cell(cell) for cell in cells])


class _Echo:
    """A file for ``csv.writer`` that gives back what it is told to write."""

    def write(self, text: str) -> str:
        return text


def who_gets_it_more_often(action: BulkAction) -> QuerySet[Subscription]:
    """Whom lowering to the usual cadence concerns."""
    newsletter = Newsletter.objects.get(pk=action.values["newsletter"])
    return lowering.more_often(newsletter, than=action.values["cadence"])


def name_of(kind: str, values: Mapping[str, Any]) -> str:
    """The label's or newsletter's name that the action is about; "" for none."""
    if kind in {Kind.LABEL, Kind.UNLABEL}:
        return str(Label.objects.get(pk=values["label"]))
    return str(Newsletter.objects.get(pk=values["newsletter"])) if kind in {Kind.UNSUBSCRIBE, Kind.LOWER} else ""
