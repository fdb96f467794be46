"""How each newsletter grows and shrinks over ninety days.

What is counted, and where it comes from:
- joined: consents given that day (confirmed by link, entered by an editor, chosen on the preferences page, or imported
  with that date);
- left: consents withdrawn that day, by whatever way, erasures included;
- bounced: addresses put on the suppression list that day for a hard bounce or a complaint whose owner has an active or
  paused subscription when it is counted. Who leaves later as well is counted twice.

A page reads at most 91 stored rows per newsletter in three queries; ``recount`` fills them set-based, in the worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from django.db.models import Count, F
from django.db.models.functions import TruncDate
from django.utils import timezone

from newsletter.insights.models import GrowthDay
from newsletter.lib.addresses import address_key
from newsletter.subscribers.models import ConsentRecord, Newsletter, Silence, StoredCount, Subscription, Suppression

DAYS = 90
LATELY, EVERYTHING = "growth:lately", "growth:everything"
EVERY_SO_OFTEN, ONCE_A_DAY = timedelta(minutes=5), timedelta(days=1)
BOUNCED = [Suppression.Reason.HARD_BOUNCE, Suppression.Reason.COMPLAINT]
type Counts = Counter[tuple[int, date]]


class Step(StrEnum):
    """What one bar stands for."""

    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Period:
    """A day, or a week from Monday; the first and the last week may be cut short."""

    first: date
    joined: int = 0
    left: int = 0
    bounced: int = 0

    @property
    def net(self) -> int:
        return self.joined - self.left - self.bounced

    @property
    def lost(self) -> int:
        return self.left + self.bounced


@dataclass(frozen=True, slots=True)
class Growth:
    """One newsletter's periods, the oldest first, and their sum. ``counted_at`` is None if nobody has counted yet."""

    newsletter: Newsletter
    periods: tuple[Period, ...]
    total: Period
    counted_at: datetime | None
    silent_count: int = 0  # who is paused now, after a long silence


def figures(*, step: Step, now: datetime) -> list[Growth]:
    """Every newsletter's growth over the last DAYS days and today."""
    first = _today(now) - timedelta(days=DAYS)
    days: dict[int, list[GrowthDay]] = {}
    for row in GrowthDay.objects.filter(day__gte=first).order_by("day", "pk"):
        days.setdefault(row.newsletter_id, []).append(row)
    stored = StoredCount.objects.named([LATELY]).get(LATELY)
    counted_at = stored.counted_at if stored else None
    newsletters = Newsletter.objects.order_by("position", "name", "pk")
    paused = Silence.objects.filter(stage=Silence.Stage.PAUSED).order_by().values_list("subscription__newsletter")
    silent = dict(paused.annotate(count=Count("pk")))
    return [
        replace(_growth(each, days.get(each.pk, []), step, counted_at), silent_count=silent.get(each.pk, 0))
        for each in newsletters
    ]


def recount(*, now: datetime) -> bool:
    """Count the last two days anew every five minutes, and all ninety once a day. True if something was counted."""
    stored = StoredCount.objects.named([LATELY, EVERYTHING])
    if EVERYTHING not in stored or stored[EVERYTHING].counted_at <= now - ONCE_A_DAY:
        _store(now, days=DAYS)
        StoredCount.objects.store({LATELY: 0, EVERYTHING: 0}, now=now)
        return True
    if stored[LATELY].counted_at <= now - EVERY_SO_OFTEN:
        _store(now, days=1)
        StoredCount.objects.store({LATELY: 0}, now=now)
        return True
    return False


def _growth(newsletter: Newsletter, days: list[GrowthDay], step: Step, counted_at: datetime | None) -> Growth:
    sums: dict[date, Period] = {}
    for row in days:
        first = row.day - timedelta(days=row.day.weekday()) if step == Step.WEEK else row.day
        day = Period(first, row.joined_count, row.left_count, row.bounced_count)
        sums[first] = _sum(first, [sums.get(first, Period(first)), day])
    periods = tuple(sums.values())
    total = _sum(periods[0].first, periods) if periods else Period(date.min)
    return Growth(newsletter, periods, total, counted_at)


def _sum(first: date, periods: Iterable[Period]) -> Period:
    periods = list(periods)
    return Period(
        first, sum(each.joined for each in periods), sum(each.left for each in periods),
        sum(each.bounced for each in periods),
    )  # fmt: skip


def _store(now: datetime, *, days: int) -> None:
    """Every newsletter's every day, also those on which nothing happened: an old figure may have been too high."""
    today = _today(now)
    all_days = [today - timedelta(days=number) for number in range(days + 1)]
    since = timezone.make_aware(datetime.combine(all_days[-1], time()), timezone.get_default_timezone())
    joined, left = (_consents(action, since) for action in (ConsentRecord.Action.GIVEN, ConsentRecord.Action.WITHDRAWN))
    bounced = _bounced(since)
    rows = [
        GrowthDay(
            newsletter_id=pk, day=day, joined_count=joined[pk, day], left_count=left[pk, day],
            bounced_count=bounced[pk, day],
        )
        for pk in Newsletter.objects.order_by("pk").values_list("pk", flat=True)
        for day in all_days
    ]  # fmt: skip
    GrowthDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["newsletter", "day"], batch_size=500,
        update_fields=["joined_count", "left_count", "bounced_count"],
    )  # fmt: skip


def _consents(action: ConsentRecord.Action, since: datetime) -> Counts:
    rows = ConsentRecord.objects.filter(action=action, at__gte=since).order_by()
    counted = rows.values_list("newsletter", _day("at")).annotate(count=Count("pk"))
    return Counter({(newsletter, day): count for newsletter, day, count in counted})


def _bounced(since: datetime) -> Counts:
    """From the suppressions, which are few, to their owners' subscriptions."""
    suppressed = Suppression.objects.filter(reason__in=BOUNCED, created_at__gte=since).exclude(email="").order_by()
    by_key = {address_key(email): day for email, day in suppressed.values_list("email", _day("created_at"))}
    keys, counts = sorted(by_key), Counter[tuple[int, date]]()
    for start in range(0, len(keys), 500):
        rows = Subscription.objects.filter(
            subscriber__address_key__in=keys[start : start + 500],
            status__in=[Subscription.Status.ACTIVE, Subscription.Status.PAUSED],
        ).order_by()
        for newsletter, key in rows.values_list("newsletter", F("subscriber__address_key")):
            counts[newsletter, by_key[key]] += 1
    return counts


def _day(field: str) -> TruncDate:
    return TruncDate(field, tzinfo=timezone.get_default_timezone())


def _today(now: datetime) -> date:
    return now.astimezone(timezone.get_default_timezone()).date()
