"""Counts that pages show without counting: stored by the sweep, a few minutes old, and said to be so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from newsletter.subscribers.models import Newsletter, StoredCount, Subscriber, Subscription, Suppression

SUBSCRIBERS, SUBSCRIPTIONS, SUPPRESSIONS = "subscribers", "subscriptions", "suppressions"
MAX_AGE = timedelta(minutes=5)
FEW = 1_000  # rows that a list may count
MANY = 10_000  # rows that a page which asks may count


@dataclass(frozen=True, slots=True)
class Bounded:
    """So many, or more than that: what a page may count while somebody waits for it."""

    count: int
    is_more: bool = False

    @property
    def in_words(self) -> str:
        number = number_format(self.count, force_grouping=True)
        return _("more than %(count)s") % {"count": number} if self.is_more else number


def bounded(rows: QuerySet[Any]) -> Bounded:
    """Exact up to MANY. Reads no more rows than that where an index leads to them."""
    count = rows.order_by()[: MANY + 1].count()
    return Bounded(min(count, MANY), count > MANY)


def active_readers(newsletter: Newsletter) -> str:
    """The name of the count of a newsletter's active subscriptions."""
    return f"active:{newsletter.pk}"


def readers_in_words(newsletters: Iterable[Newsletter]) -> dict[int, str]:
    """By newsletter: exact where readers are few, "about" so many as were counted lately where not. Two queries.

    Of those that had few when they were counted, and have many more by now, no number is told.
    """
    newsletters = list(newsletters)
    stored = StoredCount.objects.named([active_readers(each) for each in newsletters])
    known = {each.pk: row.count for each in newsletters if (row := stored.get(active_readers(each)))}
    few = [each.pk for each in newsletters if known.get(each.pk, 0) <= FEW]
    active = Subscription.objects.filter(newsletter__in=few, status=Subscription.Status.ACTIVE).order_by()
    found = list(active.values_list("newsletter", flat=True)[: FEW * len(few) + 1])
    live = Counter(found) if len(found) <= FEW * len(few) else None
    if live is None:
        known = {pk: count for pk, count in known.items() if pk not in few}
    return {
        each.pk: _in_words(live[each.pk] if live is not None and each.pk in few else None, known.get(each.pk))
        for each in newsletters
    }


def _in_words(exact: int | None, stored: int | None) -> str:
    if exact is not None:
        return number_format(exact, force_grouping=True)
    if stored is None:
        return _("being counted")
    return _("about %(count)s") % {"count": number_format(stored, force_grouping=True)}


def by_value(rows: QuerySet[Any], field: str, *, name: str, values: Collection[str]) -> dict[str, int]:
    """How many rows have which value: exact where there are FEW rows, else as ``recount`` stored them. Two queries.

    Empty if there are more, and nobody has counted yet.
    """
    stored = StoredCount.objects.named([f"{name}:{value}" for value in values])
    known = {value: row.count for value in values if (row := stored.get(f"{name}:{value}"))}
    if sum(known.values()) <= FEW:
        found = list(rows.order_by().values_list(field, flat=True)[: FEW + 1])
        if len(found) <= FEW:
            return dict(Counter(map(str, found)))
    return known


def count_by_value(rows: QuerySet[Any], field: str, *, name: str, values: Collection[str]) -> dict[str, int]:
    """What ``by_value`` wants to find stored. Reads all rows: for the worker."""
    found = dict(rows.order_by().values_list(field).annotate(count=Count("pk")))
    return {f"{name}:{value}": found.get(value, 0) for value in values}


def recount(*, now: datetime) -> bool:
    """Count readers anew if it was last done MAX_AGE ago. True if it was."""
    if StoredCount.objects.filter(name=SUBSCRIBERS, counted_at__gt=now - MAX_AGE).exists():
        return False
    count_anew(now=now)
    return True


def count_anew(*, now: datetime) -> None:
    """Count readers now, for the worker that has just changed many of them: nobody shall read what is long wrong."""
    statuses, reasons = Subscription.Status.values, Suppression.Reason.values
    found = Subscription.objects.order_by().values_list("newsletter", "status").annotate(count=Count("pk"))
    by_newsletter, by_status = Counter[int](), Counter(dict.fromkeys(statuses, 0))
    for newsletter, status, count in found:
        by_status[status] += count
        by_newsletter[newsletter] += count if status == Subscription.Status.ACTIVE else 0
    counts = {active_readers(each): by_newsletter[each.pk] for each in Newsletter.objects.all()}
    counts |= {f"{SUBSCRIPTIONS}:{status}": count for status, count in by_status.items()}
    suppressed = count_by_value(Suppression.objects.all(), "reason", name=SUPPRESSIONS, values=reasons)
    counts |= suppressed | {SUBSCRIBERS: Subscriber.objects.count(), SUPPRESSIONS: sum(suppressed.values())}
    StoredCount.objects.store(counts, now=now)
