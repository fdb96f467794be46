"""Every change of the clocks in every zone of the tz database, for ten years: each local date has its run, once."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from newsletter.digests import scheduling
from newsletter.digests.models import Schedule
from newsletter.subscribers.models import Cadence

ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
FIRST, LAST = datetime(2021, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
STEP = timedelta(days=10)  # shorter than any two changes of one zone lie apart, but Morocco's around Ramadan
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
type Change = tuple[datetime, timedelta | None, timedelta | None]


def changes_of(zone: zoneinfo.ZoneInfo) -> Iterator[Change]:
    """(the first second of the new offset, the offset before, the one after)."""
    at, offset = FIRST, FIRST.astimezone(zone).utcoffset()
    while at < LAST:
        later = at + STEP
        new = later.astimezone(zone).utcoffset()
        if new != offset:
            low, high = at, later
            while high - low > SECOND:
                middle = low + (high - low) // 2
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
            yield high.replace(microsecond=0), offset, new
        at, offset = later, new


@pytest.fixture(scope="module")
def changes() -> dict[Change, str]:
    """Each different change, with a zone that makes it: some 600 zones share a few hundred."""
    return {change: name for name in ZONES for change in changes_of(zoneinfo.ZoneInfo(name))}


def times_around(at: datetime, before: timedelta, after: timedelta) -> set[time]:
    """Midnight, a usual hour, and the minutes at both ends and in the middle of what is skipped or comes twice."""
    ends = [(at + before).replace(tzinfo=None), (at + after).replace(tzinfo=None)]
    middle = min(ends) + abs(after - before) / 2
    minutes = [moment + timedelta(minutes=n) for moment in ends for n in (-1, 0, 1)]
    return {time(0), time(7, 30), time(23, 59)} | {moment.time().replace(second=0) for moment in [*minutes, middle]}


def exists(day: date, zone: zoneinfo.ZoneInfo) -> bool:
    return datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC).astimezone(zone).date() == day


def is_skipped(day: date, at: time, zone: zoneinfo.ZoneInfo) -> bool:
    """Whether the clocks jump over this time on this date."""
    local = datetime.combine(day, at, tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)


def test_every_date_has_its_run_once_at_its_time_through_every_change(changes: dict[Change, str]) -> None:
    assert len(changes) > 300
    for (changed_at, before, after), name in changes.items():
        assert before is not None
        assert after is not None
        zone = zoneinfo.ZoneInfo(name)
        first = changed_at.astimezone(zone).date() - 2 * DAY
        for at in times_around(changed_at, before, after):
            schedule = Schedule(
                cadence=Cadence.DAILY, time=at, time_zone=name, first_date=first, last_date=first + 4 * DAY
            )

            runs = list(scheduling.runs(schedule, after=changed_at - 5 * DAY))

            told = f"{name} {changed_at} {at}"
            days = [first + n * DAY for n in range(5)]
            assert [run.day for run in runs] == [day for day in days if exists(day, zone)], told
            assert all(earlier.at < later.at for earlier, later in pairwise(runs)), told
            for run in runs:
                local = run.at.astimezone(zone)
                assert local.date() == run.day, told
                assert local.time() == at or is_skipped(run.day, at, zone), told


def test_looking_at_any_moment_finds_the_same_runs(changes: dict[Change, str]) -> None:
    """A server that looks every now and then, was down, or whose clock was set back, neither misses nor repeats one."""
    for (changed_at, _before, _after), name in changes.items():
        schedule = Schedule(cadence=Cadence.SEVERAL, time=time(2, 30), more_times=["01:15", "18:00"], time_zone=name)
        start, end = changed_at - 30 * timedelta(hours=1), changed_at + 30 * timedelta(hours=1)
        known = []
        for run in scheduling.runs(schedule, after=start):
            if run.at > end:
                break
            known.append(run)

        for moment in (start + n * timedelta(hours=11) for n in range(6)):
            expected = next((run for run in known if run.at > moment), None)
            if expected:
                assert next(scheduling.runs(schedule, after=moment)) == expected, f"{name} {moment}"
            for run in known:
                assert scheduling.run_at(schedule, run.at) == run


def test_everybody_has_their_hour_within_a_day_of_the_newsletters(changes: dict[Change, str]) -> None:
    for (changed_at, before, after), name in changes.items():
        assert before is not None
        assert after is not None
        zone = zoneinfo.ZoneInfo(name)
        for since in (changed_at - timedelta(hours=20), changed_at - timedelta(minutes=30), changed_at):
            for hour in (0, 2, 3, 12, 23):
                moment = scheduling.next_local_time(time(hour), zone, since=since)

                assert timedelta(0) <= moment - since <= DAY + abs(after - before), f"{name} {since} {hour}"
