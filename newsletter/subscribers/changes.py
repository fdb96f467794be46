"""Keeping what was changed about a reader: wrap whatever changes something in ``recorded``.

What is compared is what the rows say before and after, so that a new preference is kept without a line here. Joining
and leaving are not kept again: the consent records tell of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from newsletter.subscribers.models import Change, Subscriber, Subscription, TopicSet

# Written freely by somebody, or a mere number: that it changed is kept, not what it said.
UNTOLD = frozenset({"name", "email", "link_version"})
# Not the reader's choice but ours, or told by the consent records.
_IGNORED_OF_READERS = frozenset({"id", "address_key", "address_hash", "created_at", "import_run"})
_IGNORED_OF_SUBSCRIPTIONS = frozenset(
    {
        "id", "subscriber", "newsletter", "created_at", "confirmed_at", "imported_at", "ended_at", "ended_reason",
        "import_run",
    }
)  # fmt: skip
_TOLD_STATUSES = frozenset({Subscription.Status.ACTIVE.value, Subscription.Status.PAUSED.value})
type Snapshot = Mapping[tuple[int | None, str], str]


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something: the reader, an import, or an editor (the primary key of their user)."""

    by: Change.By
    editor_id: int | None = None


READER = Author(Change.By.READER)


@contextmanager
def recorded(subscriber: Subscriber, *, author: Author, now: datetime) -> Iterator[None]:
    """Keep what changes about this reader and their subscriptions meanwhile. Costs 4 queries, and 1 if any did."""
    with transaction.atomic():
        before = snapshot(subscriber)
        yield
        keep(subscriber, before=before, author=author, now=now)


def keep(subscriber: Subscriber, *, before: Snapshot, author: Author, now: datetime) -> list[Change]:
    """Keep how the reader differs from ``before``."""
    after = snapshot(subscriber)
    rows = [
        Change(
            subscriber_id=subscriber.pk, newsletter_id=newsletter_id, field=field, at=now,
            by=author.by, editor_id=author.editor_id,
            before="" if field in UNTOLD else before[newsletter_id, field][:500],
            after="" if field in UNTOLD else value[:500],
        )
        for (newsletter_id, field), value in after.items()
        if _is_told(field, before.get((newsletter_id, field), value), value)
    ]  # fmt: skip
    return Change.objects.bulk_create(rows)


def snapshot(subscriber: Subscriber) -> Snapshot:
    """Every field that a reader can choose, by (newsletter's id or None for the reader's own, field). 2 queries."""
    found: dict[tuple[int | None, str], str] = {}
    for person in Subscriber.objects.filter(pk=subscriber.pk):
        found.update({(None, name): value for name, value in _values(person, _IGNORED_OF_READERS)})
    for each in Subscription.objects.filter(subscriber=subscriber.pk).select_related("topic_set").order_by("pk"):
        values = _values(each, _IGNORED_OF_SUBSCRIPTIONS)
        found.update({(each.newsletter_id, name): value for name, value in values})
    return found


def _values(row: Any, ignored: frozenset[str]) -> Iterator[tuple[str, str]]:
    for field in row._meta.concrete_fields:
        if field.name not in ignored:
            yield field.name, _text(row.topic_set if field.name == "topic_set" else getattr(row, field.attname))


def _text(value: object) -> str:
    """As the database has it; topics by their numbers, so that a renamed topic stays the same one."""
    if isinstance(value, TopicSet):
        return value.key
    return "" if value is None else str(value)


def _is_told(field: str, before: str, after: str) -> bool:
    is_told = field != "status" or {before, after} <= _TOLD_STATUSES
    return before != after and is_told
