"""One run per local day that exists, in every zone and through every change of the clocks."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.digests import scheduling
from newsletter.digests.models import Schedule
from newsletter.subscribers.models import Cadence
from tests.factories import NOW, make_schedule

ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})


def instants(first_year: int) -> st.SearchStrategy[datetime]:
    first = datetime(first_year, 1, 1, tzinfo=UTC)
    return st.integers(0, (2029 - first_year) * 525_600).map(lambda minutes: first + timedelta(minutes=minutes))


def daily(zone: str, at: time) -> Schedule:
    return Schedule(cadence=Cadence.DAILY, time=at, time_zone=zone)


def test_daily_run_is_at_the_local_time_in_summer_and_winter() -> None:
    schedule = daily("Europe/Paris", time(7))

    before_change = scheduling.next_run(schedule, after=datetime(2026, 10, 23, 12, tzinfo=UTC))
    after_change = scheduling.next_run(schedule, after=datetime(2026, 10, 25, 12, tzinfo=UTC))

    assert before_change == datetime(2026, 10, 24, 5, tzinfo=UTC)
    assert after_change == datetime(2026, 10, 26, 6, tzinfo=UTC)


def test_time_that_the_clocks_jump_over_runs_an_hour_later() -> None:
    run = scheduling.next_run(daily("Europe/Paris", time(2, 30)), after=datetime(2026, 3, 28, 12, tzinfo=UTC))

    assert run == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 local time


def test_time_that_the_clocks_jump_over_into_the_next_day_runs_before_they_jump() -> None:
    nuuk = zoneinfo.ZoneInfo("America/Nuuk")  # 28 March 2026 ends at 23:00 there
    runs = scheduling.upcoming_runs(daily("America/Nuuk", time(23, 30)), after=datetime(2026, 3, 28, 12, tzinfo=UTC))

    local = [run.astimezone(nuuk) for run in islice(runs, 2)]

    assert [(moment.date(), moment.time()) for moment in local] == [
        (date(2026, 3, 28), time(22, 30)),
        (date(2026, 3, 29), time(23, 30)),
    ]


def test_time_that_comes_twice_runs_once() -> None:
    first, second = islice(
        scheduling.upcoming_runs(daily("Europe/Paris", time(2, 30)), after=datetime(2026, 10, 24, 12, tzinfo=UTC)), 2
    )

    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert second == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_date_that_a_zone_skipped_has_no_run() -> None:
    runs = scheduling.upcoming_runs(daily("Pacific/Apia", time(7)), after=datetime(2011, 12, 28, 18, tzinfo=UTC))

    dates = [run.astimezone(zoneinfo.ZoneInfo("Pacific/Apia")).date() for run in islice(runs, 2)]

    assert dates == [date(2011, 12, 29), date(2011, 12, 31)]


@given(
    zone=st.sampled_from(ZONES),
    at=st.times(timezones=st.none()).map(lambda t: t.replace(second=0, microsecond=0)),
    start=instants(2019),
)
def test_daily_runs_name_every_existing_local_date_once(zone: str, at: time, start: datetime) -> None:
    tz = zoneinfo.ZoneInfo(zone)
    schedule = daily(zone, at)

    runs = list(islice(scheduling.upcoming_runs(schedule, after=start), 12))

    assert all(earlier < later for earlier, later in pairwise(runs))
    dates = [run.astimezone(tz).date() for run in runs]
    assert len(set(dates)) == len(dates)
    expected = [d for n in range(-1, 16) if _exists(d := dates[0] + timedelta(days=n), tz)]
    assert dates == [d for d in expected if d >= dates[0]][: len(dates)]


@given(day=st.integers(1, 31), start=instants(2023))
def test_monthly_runs_once_in_every_month(day: int, start: datetime) -> None:
    schedule = Schedule(cadence=Cadence.MONTHLY, time=time(8), time_zone="UTC", day_of_month=day)

    runs = list(islice(scheduling.upcoming_runs(schedule, after=start), 14))

    months = [run.year * 12 + run.month for run in runs]
    assert months == list(range(months[0], months[0] + 14))


def test_weekly_runs_on_its_weekday_only() -> None:
    schedule = Schedule(cadence=Cadence.WEEKLY, time=time(8), time_zone="UTC", weekdays=[5])

    runs = list(islice(scheduling.upcoming_runs(schedule, after=NOW), 3))

    assert [run.date() for run in runs] == [date(2026, 11, 28), date(2026, 12, 5), date(2026, 12, 12)]


def test_schedule_without_weekdays_says_that_it_never_runs() -> None:
    schedule = Schedule(cadence=Cadence.WEEKLY, time=time(8), time_zone="UTC", weekdays=[])

    with pytest.raises(scheduling.NeverRunsError):
        scheduling.next_run(schedule, after=NOW)


@pytest.mark.django_db
def test_advancing_skips_the_runs_of_a_long_stop_and_happens_once() -> None:
    schedule = make_schedule(time=time(6), next_run_at=NOW)
    other = Schedule.objects.get(pk=schedule.pk)
    three_days_later = NOW + timedelta(days=3, hours=1)

    advanced = [scheduling.advance(s, now=three_days_later) for s in (schedule, other)]

    assert advanced == [True, False]
    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW + timedelta(days=4)


def _exists(day: date, zone: zoneinfo.ZoneInfo) -> bool:
    noon = datetime.combine(day, time(12), tzinfo=zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day
