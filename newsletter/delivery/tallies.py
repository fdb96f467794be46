"""How a campaign goes, minute by minute and group of mail domains by group: what its page shows while it is sent.

Counting a million sends takes a second. So whoever settles outcomes adds them up here in the same transaction: a row or
two for some hundred readers, and the ledger and the tallies never tell different things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Coalesce

from newsletter.delivery.models import Campaign, Tally
from newsletter.delivery.outcomes import Fate

COLUMNS = {
    Fate.ACCEPTED: "accepted",
    Fate.DEFERRED: "deferred",
    Fate.UNKNOWN: "deferred",
    Fate.REFUSED: "refused",
    Fate.BAD_ADDRESS: "refused",
}
RECENTLY = timedelta(minutes=2)  # what the present speed is taken from


@dataclass(frozen=True, slots=True)
class Numbers:
    """Attempts by what came of them. A reader who was put off three times counts three times under ``deferred``."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0


def add(campaign_pk: int, outcomes: Iterable[tuple[str, Fate]], *, now: datetime) -> None:
    """Count outcomes, each with the group of its reader's mail domain, inside the transaction that settles them."""
    minute = now.replace(second=0, microsecond=0)
    adapt = connection.ops.adapt_datetimefield_value
    counts = Counter((group, COLUMNS[fate]) for group, fate in outcomes)
    rows = [
        [campaign_pk, adapt(minute), group, *(counts[group, column] for column in ("accepted", "deferred", "refused"))]
        for group in sorted({group for group, _column in counts})  # in order, or two workers could wait for each other
    ]
    table = Tally._meta.db_table
    with connection.cursor() as cursor:
        cursor.executemany(
            f"""
            INSERT INTO {table} (campaign_id, minute, domain_group, accepted, deferred, refused)
            VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (campaign_id, domain_group, minute) DO UPDATE SET
                accepted = {table}.accepted + excluded.accepted, deferred = {table}.deferred + excluded.deferred,
                refused = {table}.refused + excluded.refused
            """,  # noqa: S608 - a name of our own
            rows,
        )


def by_group(campaign: Campaign) -> dict[str, Numbers]:
    """The whole campaign, the largest group first and all others last. One query."""
    sums = {column: Coalesce(Sum(column), 0) for column in ("accepted", "deferred", "refused")}
    rows = campaign.tallies.order_by().values_list("domain_group").annotate(**sums)
    found = {group: Numbers(*numbers) for group, *numbers in rows}
    return dict(sorted(found.items(), key=lambda item: (not item[0], -item[1].accepted - item[1].refused, item[0])))


def by_minute(campaign: Campaign, *, since: datetime) -> dict[datetime, int]:
    """How many were accepted in each minute that had any, in order. One query."""
    rows = campaign.tallies.filter(minute__gte=since).order_by("minute").values_list("minute")
    return dict(rows.annotate(Sum("accepted")))


def rate(minutes: dict[datetime, int], *, begun_at: datetime, now: datetime) -> float:
    """Readers a second, over the last two minutes or since it began."""
    since = max((now - RECENTLY).replace(second=0, microsecond=0), begun_at)
    recent = sum(count for minute, count in minutes.items() if minute >= since.replace(second=0, microsecond=0))
    return recent / max((now - since).total_seconds(), 1.0)
