"""Doing something to everybody who was selected: frozen when an editor says yes, then done part by part.

Each part is one transaction with the note of what it changed, so that a worker that dies loses one part's work and
nobody is done twice; and for a day it can be taken back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from newsletter.subscribers.models import BulkAction, BulkPart
from newsletter.subscribers.models.bulk_actions import HEAD_START, LEASE, MOST_ATTEMPTS
from newsletter.subscribers.selections import DEEDS, Order, name_of

logger = logging.getLogger(__name__)

PART, ERASURES = 500, 50  # rows of a transaction; erasing takes some twenty statements for each person
TURN_SECONDS = 45.0
BATCH = 20


class TakenAway(Exception):
    """Somebody stopped the action, or another worker has it."""


@transaction.atomic
def begin(
    *, kind: BulkAction.Kind, rows: QuerySet[Any], values: Mapping[str, Any], by: Any, now: datetime
) -> BulkAction:
    """Freeze who is in ``rows``; ``advance`` does the rest."""
    action = BulkAction.objects.create(
        kind=kind, values=dict(values), about=name_of(kind, values)[:300], created_by=by, created_at=now,
        leased_until=now,
    )  # fmt: skip
    plain = rows.select_related(None).prefetch_related(None).order_by("pk").values_list("pk", flat=True)
    size = ERASURES if kind == BulkAction.Kind.ERASE else PART
    parts = _parts(action, plain.iterator(chunk_size=10_000), size)
    for some in batched(parts, 100):
        BulkPart.objects.bulk_create(some)
        action.total_count += sum(len(part.pks) for part in some)
    action.save(update_fields=["total_count"])
    return action


def _parts(action: BulkAction, pks: Iterable[int], size: int) -> Iterator[BulkPart]:
    for number, some in enumerate(batched(pks, size)):
        yield BulkPart(action=action, number=number, pks=list(some))


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
        for part in _left(action):
            work(action, part, clock())
            if clock() >= until:
                action.release(clock())
                return True
    except TakenAway:
        return False
    action.finish(clock())
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
