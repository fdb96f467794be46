"""When a schedule runs: (local date, local time, zone) to one UTC instant.

Daylight saving neither skips nor repeats a run: a time that the clocks jump over runs as much later as they jump (or
earlier, where later would be the next day, as in Greenland), a time that comes twice runs the first time. A local
date that does not exist (Samoa had no 30 December 2011) has no run. ``Schedule.next_run_at`` only notes what follows
from the rules: ``correct`` sets it right after a clock, the rules or the world's time zones have changed.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from newsletter.digests.models import Issue, Schedule
from newsletter.lib.dates import is_among
from newsletter.subscribers.models import Cadence, Newsletter

HORIZON_DAYS = 800  # further ahead than any schedule that runs at all
SOME_MONDAY = date(2018, 1, 1)  # weeks are counted from here where a schedule names no first day
MOMENT = timedelta(microseconds=1)


class NeverRunsError(ValueError):
    """The schedule's rules leave no day on which it could run."""


@dataclass(frozen=True, slots=True)
class Run:
    """A planned run: its instant in UTC, its local date, and which of that date's runs it is ("" for the only one)."""

    at: datetime
    day: date
    slot: str = ""


def next_run(schedule: Schedule, *, after: datetime) -> datetime:
    """The first instant, in UTC, later than ``after`` at which the schedule runs. Raises NeverRunsError."""
    for run in runs(schedule, after=after):
        return run.at
    raise NeverRunsError(f"schedule {schedule.pk} has no day to run on")


def upcoming_runs(schedule: Schedule, *, after: datetime) -> Iterator[datetime]:
    """The instants, in UTC, at which the schedule will run, beginning with the first later than ``after``."""
    return (run.at for run in runs(schedule, after=after))


def runs(schedule: Schedule, *, after: datetime) -> Iterator[Run]:
    """The schedule's runs by the calendar, beginning with the first later than ``after``."""
    if schedule.cadence == Cadence.IMMEDIATE:
        return
    zone = ZoneInfo(schedule.time_zone)
    day = after.astimezone(zone).date() - timedelta(days=1)
    day = max(day, schedule.first_date or day, schedule.paused_until or day)
    for offset in range(HORIZON_DAYS):
        current = day + timedelta(days=offset)
        if schedule.last_date and current > schedule.last_date:
            return
        if runs_on(schedule, current) and not is_closed(schedule, current):
            yield from (run for run in _runs_of(schedule, current, zone) if run.at > after)


def runs_on(schedule: Schedule, day: date) -> bool:
    """Whether the schedule's rules name this local date."""
    if schedule.cadence != Cadence.MONTHLY:
        return day.weekday() in weekdays_of(schedule) and _weeks_since_start(schedule, day) % schedule.every_weeks == 0
    last_day = calendar.monthrange(day.year, day.month)[1]
    if schedule.nth_weekday is None:
        return day.day == min(schedule.day_of_month, last_day)
    return day == _nth(schedule, [day.replace(day=n) for n in range(1, last_day + 1)])


def is_closed(schedule: Schedule, day: date) -> bool:
    """Whether this date is left out: not begun, over, paused, skipped, or a quiet day of the newsletter."""
    return (
        (schedule.first_date is not None and day < schedule.first_date)
        or (schedule.last_date is not None and day > schedule.last_date)
        or (schedule.paused_until is not None and day < schedule.paused_until)
        or is_among(day, schedule.skipped_dates)
        or (schedule.newsletter_id is not None and schedule.newsletter.is_quiet_on(day))
    )


def weekdays_of(schedule: Schedule) -> frozenset[int]:
    """The schedule's own weekdays, and those that weekly readers may choose instead."""
    own = frozenset(schedule.weekdays)
    if schedule.cadence != Cadence.WEEKLY or schedule.newsletter_id is None:
        return own
    newsletter = schedule.newsletter
    return own | frozenset(newsletter.offered_weekdays if newsletter.offers_delivery_time else [])


def times_of(schedule: Schedule) -> list[time]:
    """The local times of a day's runs, ascending."""
    return sorted({schedule.time.replace(tzinfo=None), *map(time.fromisoformat, schedule.more_times)})


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The UTC instant of a local date and time; None if the zone skipped that whole date."""
    noon = datetime.combine(day, time(12), tzinfo=zone)
    if noon.astimezone(UTC).astimezone(zone).date() != day:
        return None
    local = datetime.combine(day, at.replace(tzinfo=None), tzinfo=zone)
    instant = local.astimezone(UTC)
    return instant if instant.astimezone(zone).date() == day else local.replace(fold=1).astimezone(UTC)


def next_local_time(at: time, zone: ZoneInfo, *, since: datetime) -> datetime:
    """The first instant from ``since`` on, in UTC, when it is this time of day in the zone: within about a day."""
    day = since.astimezone(zone).date()
    for offset in range(-1, 4):
        instant = instant_of(day + timedelta(days=offset), at, zone)
        if instant is not None and instant >= since:
            return instant
    raise NeverRunsError(f"{at} never comes in {zone}")


def run_at(schedule: Schedule, instant: datetime) -> Run:
    """The run that this instant belongs to; one that the rules no longer name keeps its local date."""
    for run in runs(schedule, after=instant - MOMENT):
        if run.at == instant:
            return run
        break
    return Run(instant, run_date(schedule, instant))


def run_date(schedule: Schedule, instant: datetime) -> date:
    """The local date that a run at this instant belongs to."""
    return instant.astimezone(ZoneInfo(schedule.time_zone)).date()


def owed_runs(schedule: Schedule, *, now: datetime) -> list[Run]:
    """The due run and those after it up to ``now``: more than one if nothing ran for a while."""
    planned = schedule.next_run_at
    if planned is None or planned > now:
        return []
    owed = [run_at(schedule, planned)]
    for run in runs(schedule, after=planned):
        if run.at > now:
            break
        owed.append(run)
    return owed


def longest_gap(schedule: Schedule) -> int:
    """The most days that lie between two runs for one reader, quiet and skipped days apart."""
    if schedule.cadence == Cadence.IMMEDIATE:
        return 0
    if schedule.cadence == Cadence.MONTHLY:
        return 31 if schedule.nth_weekday is None else 35
    days: list[int] = sorted(set(schedule.weekdays))
    if schedule.cadence == Cadence.WEEKLY or not days:
        return 7 * int(schedule.every_weeks)  # whatever day of the week the reader chose
    gaps = [
        later - earlier for earlier, later in zip(days, [*days[1:], days[0] + 7 * schedule.every_weeks], strict=True)
    ]
    return max(gaps)


def waiting_days(schedule: Schedule) -> int:
    """How many days an article may wait: what the schedule says, and at least until its next run.

    In a weekly or rarer one what found no room, or did not arrive, has a second chance.
    """
    gap = longest_gap(schedule)
    return max(schedule.window_days, gap + 1 if gap < 7 else 2 * gap + 1)


def plan(schedule: Schedule, *, now: datetime) -> None:
    """Set the next run after the schedule was made, changed or switched on.

    Its open drafts go along: they move with their run, and are skipped if their date is left out now.
    """
    schedule.planned_at = _planned_at(schedule, now=now)
    schedule.next_run_at = _following(schedule, now) if schedule.is_active else None
    planned = {"next_run_at": schedule.next_run_at, "planned_at": schedule.planned_at}
    Schedule.objects.filter(pk=schedule.pk).update(**planned)
    Newsletter.objects.filter(pk=schedule.newsletter_id).update(rhythm_noted_at=None)  # see rhythms.py
    drafted = Issue.objects.waiting().filter(schedule=schedule, run_date__isnull=False)
    if schedule.next_run_at:
        run = run_at(schedule, schedule.next_run_at)
        drafted.filter(run_date=run.day, run_slot=run.slot).update(send_at=run.at)
    for issue in drafted:
        if issue.run_date and is_closed(schedule, issue.run_date):
            issue.skip(reason=_("Its date is left out: it is a quiet day, skipped, or outside the schedule's time."))


def _planned_at(schedule: Schedule, *, now: datetime) -> datetime | None:
    """Of what goes out with each article this stays, as long as it is on: what waits for quiet hours is not lost."""
    if schedule.cadence != Cadence.IMMEDIATE:
        return now
    return (schedule.planned_at or now) if schedule.is_active else None


def correct(schedule: Schedule, *, now: datetime) -> bool:
    """Plan again what was saved without planning, or no longer fits the rules, the clock or the tz database.

    A run that is due stays due. Returns whether anything changed; harmless to repeat.
    """
    noted = schedule.next_run_at
    if noted is not None and noted <= now:
        return False
    if noted == _following(schedule, now) and schedule.planned_at:
        return False
    plan(schedule, now=now)
    return True


def advance(schedule: Schedule, *, now: datetime) -> bool:
    """Move on from the due run to the first one after ``now``. Of several schedulers exactly one gets True."""
    planned, following = schedule.next_run_at, _following(schedule, now)
    advanced = Schedule.objects.filter(pk=schedule.pk, next_run_at=planned).update(next_run_at=following)
    if advanced:
        schedule.next_run_at = following
    return bool(advanced)


def _following(schedule: Schedule, after: datetime) -> datetime | None:
    """None for what has no next run by its rules: it follows articles, or is over. Raises NeverRunsError."""
    if schedule.cadence == Cadence.IMMEDIATE:
        return None
    try:
        return next_run(schedule, after=after)
    except NeverRunsError:
        if schedule.last_date is None:
            raise
        return None


def _runs_of(schedule: Schedule, day: date, zone: ZoneInfo) -> list[Run]:
    """The runs of a date in their order. Times that a jump of the clocks makes one are one run."""
    times = times_of(schedule)
    found: dict[datetime, Run] = {}
    for at in times:
        instant = instant_of(day, at, zone)
        if instant is not None:
            found.setdefault(instant, Run(instant, day, f"{at:%H:%M}" if len(times) > 1 else ""))
    return [found[instant] for instant in sorted(found)]


def _weeks_since_start(schedule: Schedule, day: date) -> int:
    start = schedule.first_date or SOME_MONDAY
    monday = start - timedelta(days=start.weekday())
    return (day - monday).days // 7


def _nth(schedule: Schedule, month: list[date]) -> date | None:
    named = [day for day in month if day.weekday() in schedule.weekdays]
    n = schedule.nth_weekday or 1
    place = n - 1 if n > 0 else n
    return named[place] if named and -len(named) <= place < len(named) else None
