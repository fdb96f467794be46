"""The books of campaigns for pages that cannot count: stored by the sweep; counted at once while they are short.

Counting a million sends takes a second, a list shows fifty campaigns, and the overview is opened all day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Sum

from newsletter.delivery import archive, campaigns
from newsletter.delivery.models import Batch, Campaign, Send
from newsletter.subscribers.models import StoredCount

MOST_COUNTED = 2_000  # sends of all campaigns of a page together that are counted at once
MAX_AGE = timedelta(minutes=1)
SETTLING = timedelta(days=1)  # what a worker held when a campaign ended is settled long before
RECENT, MOST = 500, 20


@dataclass(frozen=True)
class Books:
    """Sends by status. ``counted_at`` is None for what was counted just now."""

    by_status: Mapping[str, int] = field(default_factory=dict)
    counted_at: datetime | None = None
    is_known: bool = True

    @cached_property
    def planned(self) -> int:
        return sum(self.by_status.values())

    @cached_property
    def waiting(self) -> int:
        return sum(self.by_status.get(status, 0) for status in Send.OPEN)

    def of(self, status: str) -> int:
        return self.by_status.get(status, 0)


UNKNOWN = Books(is_known=False)


def books_of(shown: Iterable[Campaign]) -> dict[int, Books]:
    """By campaign, in two queries: of the shortest ones exact, of the others as stored, UNKNOWN if not stored yet."""
    shown = list(shown)
    pks = [campaign.pk for campaign in shown]
    stored = _stored(pks)
    missing = [pk for pk in pks if pk not in stored]
    if not missing and sum(books.planned for books in stored.values()) > MOST_COUNTED:
        return stored
    live = _live(missing or pks, archived=[campaign.pk for campaign in shown if campaign.archived_to])
    if live is None:
        return {pk: stored.get(pk, UNKNOWN) for pk in pks}
    return {pk: live[pk] if pk in live else stored[pk] for pk in pks}


def recount(*, now: datetime) -> int:
    """Store the books of campaigns that were never counted or may have moved: at most MOST, returns how many."""
    recent = list(Campaign.objects.order_by("-pk")[:RECENT])
    stored = StoredCount.objects.named([_name(campaign.pk, Send.Status.SENT) for campaign in recent])
    due = [each for each in recent if _is_due(each, stored.get(_name(each.pk, Send.Status.SENT)), now)][:MOST]
    for campaign in due:
        store(campaign, now=now)
    return len(due)


def store(campaign: Campaign, *, now: datetime) -> None:
    """Count a campaign's sends, and keep the result."""
    counts = {_name(campaign.pk, status): count for status, count in campaigns.counts(campaign).items()}
    StoredCount.objects.store(counts, now=now)


def _is_due(campaign: Campaign, row: StoredCount | None, now: datetime) -> bool:
    if row is None:
        return True
    if campaign.finished_at and row.counted_at > campaign.finished_at + SETTLING:
        return False  # nothing will change any more
    return row.counted_at <= now - MAX_AGE


def _name(pk: int, status: str) -> str:
    return f"campaign:{pk}:{status}"


def _stored(pks: list[int]) -> dict[int, Books]:
    rows = StoredCount.objects.named([_name(pk, status) for pk in pks for status in Send.Status.values])
    found: dict[int, Books] = {}
    for pk in pks:
        of_campaign = {status: rows[name] for status in Send.Status.values if (name := _name(pk, status)) in rows}
        if of_campaign:
            counted_at = min(row.counted_at for row in of_campaign.values())
            found[pk] = Books({status: row.count for status, row in of_campaign.items()}, counted_at)
    return found


def _live(pks: list[int], *, archived: list[int]) -> dict[int, Books] | None:
    """Exact books; None if there are too many sends to count on a page."""
    rows = Send.objects.filter(campaign__in=pks).order_by().values_list("campaign", "status")[: MOST_COUNTED + 1]
    counts: dict[int, dict[str, int]] = {pk: {} for pk in pks}
    total = 0
    for pk, status in rows:
        counts[pk][status] = counts[pk].get(status, 0) + 1
        total += 1
    if total > MOST_COUNTED:
        return None
    for pk, by_status in archive.counts([pk for pk in archived if pk in counts]).items() if archived else ():
        counts[pk] = dict(Counter(counts[pk]) + by_status)
    waiting = [pk for pk, by_status in counts.items() if by_status.get(Send.Status.QUEUED)]
    in_flight = _in_flight(waiting) if waiting else {}
    return {pk: Books(campaigns.told_apart(by_status, held=in_flight.get(pk, 0))) for pk, by_status in counts.items()}


def _in_flight(pks: list[int]) -> dict[int, int]:
    """How many sends of these campaigns workers hold."""
    held = Batch.objects.held().filter(campaign__in=pks).order_by()
    return dict(held.values_list("campaign").annotate(Sum("open_count")))
