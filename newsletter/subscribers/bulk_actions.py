"""Doing something to everybody who was selected: first all of them are looked up and frozen, then it is done by parts.

Each part is one transaction with the note of what it changed, so that a worker that dies loses one part's work and
nobody is done twice; and for a day it can be taken back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from newsletter.subscribers import counting, selections
from newsletter.subscribers.models import BulkAction, BulkPart
from newsletter.subscribers.models.bulk_actions import HEAD_START, LEASE, MOST_ATTEMPTS
from newsletter.subscribers.selections import DEEDS, MORE_OFTEN, Order, name_of

logger = logging.getLogger(__name__)

CHOSEN = 20_000  # rows that are looked up in a transaction
PART, ERASURES = 500, 50  # rows of a transaction; erasing takes some twenty statements for each person
TURN_SECONDS = 45.0
BATCH = 20
type Source = Callable[[BulkAction], QuerySet[Any]]
_sources: dict[str, Source] = {MORE_OFTEN: selections.who_gets_it_more_often}


class TakenAway(Exception):
    """Somebody stopped the action, or another worker has it."""


@transaction.atomic
def begin(
    *, kind: BulkAction.Kind, rows: QuerySet[Any], values: Mapping[str, Any], by: Any, now: datetime
) -> BulkAction:
    """Freeze who is in ``rows``, which are few; ``advance`` does the rest."""
    action = _create(BulkAction.Status.RUNNING, kind, values, by, now)
    pks = list(_keys(rows))
    _freeze(action, pks, after=-1)
    action.total_count = len(pks)
    action.save(update_fields=["total_count"])
    return action


def begin_with_all(
    *, kind: BulkAction.Kind, criteria: Mapping[str, Any], values: Mapping[str, Any], by: Any, now: datetime
) -> BulkAction:
    """The same for however many: ``advance`` looks up who is meant, too.

    ``criteria`` are JSON; ``source`` among them names who understands them (see ``offer_source``).
    """
    return _create(BulkAction.Status.CHOOSING, kind, values, by, now, criteria=dict(criteria))


def offer_source(name: str, rows: Source) -> None:
    """Let ``rows`` say who is meant by criteria that name this source. Doing it again changes nothing."""
    _sources[name] = rows


def _create(
    status: str, kind: BulkAction.Kind, values: Mapping[str, Any], by: Any, now: datetime, **more: Any
) -> BulkAction:
    return BulkAction.objects.create(
        kind=kind, status=status, values=dict(values), about=name_of(kind, values)[:300], created_by=by, created_at=now,
        leased_until=now, **more,
    )  # fmt: skip


def _keys(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related(None).prefetch_related(None).order_by("pk").values_list("pk", flat=True)


def _freeze(action: BulkAction, pks: Sequence[int], *, after: int) -> None:
    """Note these rows in parts, which are numbered from the one after ``after``."""
    size = ERASURES if action.kind == BulkAction.Kind.ERASE else PART
    numbered = enumerate(batched(pks, size), start=after + 1)
    BulkPart.objects.bulk_create(BulkPart(action=action, number=number, pks=list(some)) for number, some in numbered)


@transaction.atomic
def _choose_some(action: BulkAction, now: datetime) -> None:
    """Look up the next of those who are meant; after the last it runs."""
    last = action.parts.order_by("-number").first()
    rows = _sources[action.criteria["source"]](action)
    if last:
        rows = rows.filter(pk__gt=last.pks[-1])
    pks = list(_keys(rows)[:CHOSEN])
    _freeze(action, pks, after=last.number if last else -1)
    _keep_hold(action, now, total_count=len(pks))
    if len(pks) < CHOSEN:
        action.run()


def advance(*, bulk_action_id: int, clock: Callable[[], datetime], seconds: float = TURN_SECONDS) -> bool:
    """Go on with it, forwards or backwards, for about so long. True if there is more to do.

    Safe to call at any time and twice at once.
    """
    action = BulkAction.objects.filter(pk=bulk_action_id).first()
    if action is None or not action.claim(clock()):
        return False
    if action.attempt_count > MOST_ATTEMPTS:
        action.fail(clock())
        logger.warning("bulk action %d stopped five times at the same part", action.pk)
        return False
    until = clock() + timedelta(seconds=seconds)
    work = _take_back if action.status == action.Status.UNDOING else _do
    try:
        while action.is_choosing:
            _choose_some(action, clock())
            if clock() >= until:
                action.release(clock())
                return True
        for part in _left(action):
            work(action, part, clock())
            if clock() >= until:
                action.release(clock())
                return True
    except TakenAway:
        return False
    action.finish(clock())
    counting.count_anew(now=clock())
    logger.info("bulk action %d: %s", action.pk, action.status)
    return False


def _left(action: BulkAction) -> Iterator[BulkPart]:
    """The parts that are still to be done, or to be taken back."""
    left = {"done_at": None}
    if action.status == action.Status.UNDOING:
        left = {"done_at__isnull": False, "undone_at": None}  # type: ignore[dict-item]
    number = -1
    while part := action.parts.filter(**left, number__gt=number).order_by("number").first():
        yield part
        number = part.number


@transaction.atomic
def _do(action: BulkAction, part: BulkPart, now: datetime) -> None:
    order = Order(values=action.values, editor_id=action.created_by_id, at=now)
    part.changed = [list(each) for each in DEEDS[action.kind].apply(part.pks, order)]
    part.done_at = now
    part.save(update_fields=["changed", "done_at"])
    _keep_hold(action, now, seen_count=len(part.pks), changed_count=len(part.changed))


@transaction.atomic
def _take_back(action: BulkAction, part: BulkPart, now: datetime) -> None:
    undo, done_at = DEEDS[action.kind].undo, part.done_at
    assert undo is not None and done_at is not None  # noqa: PT018 - may_be_undone and _left say so
    order = Order(values=action.values, editor_id=action.created_by_id, at=done_at)
    count = undo([(pk, before) for pk, before in part.changed], order, now)
    part.undone_at = now
    part.save(update_fields=["undone_at"])
    _keep_hold(action, now, undone_count=count)


def _keep_hold(action: BulkAction, now: datetime, **more: int) -> None:
    """Note how far it is and go on holding it. Raises TakenAway, which rolls the part back."""
    mine = BulkAction.objects.filter(pk=action.pk, status=action.status, leased_until=action.leased_until)
    counts = {name: F(name) + count for name, count in more.items()}
    if not mine.update(leased_until=now + LEASE, attempt_count=0, **counts):
        raise TakenAway
    action.leased_until = now + LEASE
    for name, count in more.items():
        setattr(action, name, getattr(action, name) + count)


def abandoned(now: datetime) -> list[int]:
    """Ids of what somebody must go on with: the worker is gone, or nobody heard the bell."""
    return list(BulkAction.objects.free(now - HEAD_START).values_list("pk", flat=True)[:BATCH])


def forget(now: datetime) -> int:
    """To whom it happened, when nothing can be taken back any more. Returns of how many actions."""
    over = BulkAction.objects.past_undoing(now).order_by("pk")
    pks = list(BulkPart.objects.filter(action__in=over).order_by("pk").values_list("pk", flat=True)[: PART * 10])
    actions = set(BulkPart.objects.filter(pk__in=pks).values_list("action", flat=True))
    BulkPart.objects.filter(pk__in=pks).delete()
    return len(actions)
