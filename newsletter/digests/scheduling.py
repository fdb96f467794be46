"""When a schedule runs: (local date, local time, zone) to one UTC instant.

Daylight saving neither skips nor repeats a run: a time that the clocks jump over runs as much later as they jump (or
earlier, where later would be the next day, as in Greenland), a time that comes twice runs the first time. A local
date that does not exist (Samoa had no 30 December 2011) has no run.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Cadence, Newsletter

HORIZON_DAYS = 800  # further ahead than any schedule that runs at all


class NeverRunsError(ValueError):
    """The schedule's rules leave no day on which it could run."""


def next_run(schedule: Schedule, *, after: datetime) -> datetime:
    """The first instant, in UTC, later than ``after`` at which the schedule runs. Raises NeverRunsError."""
    for instant in upcoming_runs(schedule, after=after):
        return instant
    raise NeverRunsError(f"schedule {schedule.pk} has no day to run on")


def upcoming_runs(schedule: Schedule, *, after: datetime) -> Iterator[datetime]:
    """The instants, in UTC, at which the schedule will run, beginning with the first later than ``after``."""
    zone = ZoneInfo(schedule.time_zone)
    first_day = after.astimezone(zone).date() - timedelta(days=1)
    for offset in range(HORIZON_DAYS):
        day = first_day + timedelta(days=offset)
        if not runs_on(schedule, day):
            continue
        instant = instant_of(day, schedule.time, zone)
        if instant is not None and instant > after:
            yield instant


def runs_on(schedule: Schedule, day: date) -> bool:
    """Whether the schedule's rules name this local date."""
    if schedule.cadence == Cadence.MONTHLY:
        last_day = calendar.monthrange(day.year, day.month)[1]
        return day.day == min(schedule.day_of_month, last_day)
    return day.weekday() in schedule.weekdays


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The UTC instant of a local date and time; None if the zone skipped that whole date."""
    noon = datetime.combine(day, time(12), tzinfo=zone)
    if noon.astimezone(UTC).astimezone(zone).date() != day:
        return None
    local = datetime.combine(day, at.replace(tzinfo=None), tzinfo=zone)
    instant = local.astimezone(UTC)
    return instant if instant.astimezone(zone).date() == day else local.replace(fold=1).astimezone(UTC)


def run_date(schedule: Schedule, instant: datetime) -> date:
    """The local date that a run at this instant belongs to."""
    return instant.astimezone(ZoneInfo(schedule.time_zone)).date()


def longest_gap(schedule: Schedule) -> int:
    """The most days that lie between two runs."""
    days: list[int] = sorted(set(schedule.weekdays))
    if schedule.cadence == Cadence.MONTHLY or not days:
        return 31
    return max(later - earlier for earlier, later in pairwise([*days, days[0] + 7]))


def plan(schedule: Schedule, *, now: datetime) -> None:
    """Set the next run after the schedule was made, changed or switched on; its open draft goes along."""
    schedule.next_run_at = next_run(schedule, after=now) if schedule.is_active else None
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=schedule.next_run_at)
    Newsletter.objects.filter(pk=schedule.newsletter_id).update(rhythm_noted_at=None)  # see rhythms.py
    if schedule.next_run_at:
        drafted = Issue.objects.waiting().filter(schedule=schedule, run_date=run_date(schedule, schedule.next_run_at))
        drafted.update(send_at=schedule.next_run_at)


def advance(schedule: Schedule, *, now: datetime) -> bool:
    """Move on from the due run to the first one after ``now``: a server that was down owes one run, not many.

    Of several schedulers exactly one gets True.
    """
    planned, following = schedule.next_run_at, next_run(schedule, after=now)
    advanced = Schedule.objects.filter(pk=schedule.pk, next_run_at=planned).update(next_run_at=following)
    if advanced:
        schedule.next_run_at = following
    return bool(advanced)
