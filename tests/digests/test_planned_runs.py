"""Runs that nobody was there to run, and articles that call for a run of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from newsletter.delivery import campaigns
from newsletter.digests import drafting, scheduling
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Cadence, Newsletter
from tests.factories import NOW, make_article, make_editor, make_newsletter, make_schedule, make_subscription

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def outcomes() -> list[tuple[date | None, str]]:
    return list(Issue.objects.order_by("run_date", "pk").values_list("run_date", "status"))


# --- a server that was down -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("minutes", "is_told"), [(119, False), (121, True)])
def test_run_after_a_short_stop_goes_out_and_is_called_late_beyond_the_tolerance(minutes: int, is_told: bool) -> None:
    make_article()
    make_schedule(next_run_at=NOW, tolerance_minutes=120)

    drafting.run_due(now=NOW + minutes * MINUTE)

    issue = Issue.objects.get()
    assert issue.status == Issue.Status.APPROVED
    assert ("late" in issue.reason) is is_told


QUIET_MOMENTS = [NOW + hours * HOUR for hours in (17, 20, 42)]  # 23:00; 02:00 and midnight of a quiet day


def quiet_newsletter() -> Newsletter:
    return make_newsletter(quiet_from=time(22), quiet_until=time(6), quiet_dates=["2026-11-24"])


def test_late_run_waits_for_the_end_of_quiet_hours_and_days() -> None:
    make_article()
    make_schedule(newsletter=quiet_newsletter(), next_run_at=NOW, time_zone="UTC")

    for moment in QUIET_MOMENTS:
        drafting.run_due(now=moment)
        assert not Issue.objects.exclude(status=Issue.Status.DRAFT).exists()
    drafting.run_due(now=NOW + 2 * DAY)

    assert outcomes() == [(date(2026, 11, 23), "skipped"), (date(2026, 11, 25), "approved")]


def test_late_issue_that_was_approved_waits_for_the_end_of_quiet_hours_and_days() -> None:
    make_article()
    newsletter = quiet_newsletter()
    make_subscription(newsletter=newsletter, cadence=Cadence.DAILY)
    schedule = make_schedule(newsletter=newsletter, next_run_at=NOW, time_zone="UTC")
    issue, _is_new = drafting.issue_of_run(schedule, NOW, now=NOW - HOUR)
    issue.approve(by=make_editor(), now=NOW - HOUR)

    assert [campaigns.launch(issue, now=moment) for moment in QUIET_MOMENTS] == [None] * 3
    assert campaigns.launch(issue, now=NOW + 2 * DAY)


def test_late_run_is_skipped_where_the_newsletter_says_so_and_its_articles_wait() -> None:
    article = make_article()
    schedule = make_schedule(next_run_at=NOW, when_late=Schedule.WhenLate.SKIP)

    drafting.run_due(now=NOW + 3 * HOUR)
    drafting.run_due(now=NOW + DAY)

    skipped, sent = Issue.objects.order_by("run_date")
    assert (skipped.status, "06:00" in skipped.reason) == (Issue.Status.SKIPPED, True)
    assert (sent.status, sent.reason) == (Issue.Status.APPROVED, "")
    assert article in sent.articles.all()
    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW + 2 * DAY


def test_stop_of_days_leaves_a_row_for_every_run_and_one_mail() -> None:
    make_article()
    make_schedule(next_run_at=NOW, planned_at=NOW - DAY)

    drafting.run_due(now=NOW + 3 * DAY + MINUTE)
    drafting.run_due(now=NOW + 3 * DAY + 2 * MINUTE)

    assert outcomes() == [
        (date(2026, 11, 23), Issue.Status.SKIPPED),
        (date(2026, 11, 24), Issue.Status.SKIPPED),
        (date(2026, 11, 25), Issue.Status.SKIPPED),
        (date(2026, 11, 26), Issue.Status.APPROVED),
    ]
    assert Issue.objects.exclude(status=Issue.Status.APPROVED).filter(reason="").count() == 0


@pytest.mark.parametrize(("when_late", "is_sent"), [("send", True), ("skip", False)])
def test_rule_holds_for_what_was_approved_before_the_server_stopped(when_late: str, is_sent: bool) -> None:
    schedule = make_schedule(next_run_at=NOW, when_late=when_late)
    make_article()
    make_subscription(newsletter=schedule.newsletter)
    drafting.run_due(now=NOW)

    campaign = campaigns.launch(Issue.objects.get(), now=NOW + 5 * HOUR)

    issue = Issue.objects.get()
    assert (campaign is not None) is is_sent
    assert issue.status == (Issue.Status.APPROVED if is_sent else Issue.Status.SKIPPED)
    assert "06:00" in issue.reason


def test_issue_that_waited_for_its_editor_is_not_late() -> None:
    schedule = make_schedule(next_run_at=NOW, when_late=Schedule.WhenLate.SKIP, approval=Schedule.Approval.REQUIRED)
    make_article()
    make_subscription(newsletter=schedule.newsletter)
    drafting.run_due(now=NOW)
    issue = Issue.objects.get()
    issue.approve(now=NOW + 9 * HOUR)

    assert campaigns.launch(issue, now=NOW + 9 * HOUR) is not None


# --- a clock that was wrong -------------------------------------------------------------------------------------------
def test_clock_set_back_repeats_no_run() -> None:
    make_article()
    make_schedule(next_run_at=NOW)
    drafting.run_due(now=NOW)
    Issue.objects.get().launch(NOW)

    for minutes in (-30, -1, 0, 1):
        drafting.run_due(now=NOW + minutes * MINUTE)

    assert Issue.objects.count() == 1


def test_clock_that_was_a_year_ahead_for_a_moment_silences_nothing() -> None:
    make_article()
    schedule = make_schedule(next_run_at=NOW)
    drafting.run_due(now=NOW + 365 * DAY)

    drafting.run_due(now=NOW + MINUTE)

    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW + DAY


# --- every article ----------------------------------------------------------------------------------------------------
def follow(**fields: Any) -> Schedule:
    schedule = make_schedule(cadence=Cadence.IMMEDIATE, next_run_at=None, **fields)
    scheduling.plan(schedule, now=NOW - DAY)
    return schedule


def test_article_goes_out_as_soon_as_its_grace_is_over_and_once(settings: Any) -> None:
    settings.ARTICLE_GRACE_MINUTES = 10
    follow()
    article = make_article(released_at=NOW - 9 * MINUTE)

    drafting.run_due(now=NOW)
    before = Issue.objects.count()
    for second in (60, 65):
        drafting.run_due(now=NOW + timedelta(seconds=second))

    issue = Issue.objects.get()
    assert before == 0
    assert (issue.status, list(issue.articles.all())) == (Issue.Status.APPROVED, [article])


def test_what_was_there_before_floods_nobody() -> None:
    make_article(released_at=NOW - 2 * DAY)
    follow()
    drafting.run_due(now=NOW)
    late = make_article(released_at=NOW)

    drafting.run_due(now=NOW + MINUTE)

    assert list(Issue.objects.get().articles.all()) == [late]


def test_articles_of_quiet_hours_and_days_wait_and_come_together() -> None:
    newsletter = make_newsletter(quiet_from=time(22), quiet_until=time(6, 30), quiet_dates=["2026-11-24"])
    follow(newsletter=newsletter)
    first = make_article(released_at=NOW - HOUR)

    drafting.run_due(now=NOW)  # 06:00
    while_quiet = Issue.objects.count()
    drafting.run_due(now=NOW + 30 * MINUTE)
    second, third = make_article(released_at=NOW + 17 * HOUR), make_article(released_at=NOW + 30 * HOUR)
    drafting.run_due(now=NOW + 31 * HOUR)  # all of the 24th is quiet
    drafting.run_due(now=NOW + 49 * HOUR)

    assert while_quiet == 0
    assert [set(issue.articles.all()) for issue in Issue.objects.order_by("pk")] == [{first}, {first, second, third}]


def test_article_of_a_cancelled_issue_comes_with_the_next() -> None:
    schedule = follow()
    make_subscription(newsletter=schedule.newsletter, cadence=Cadence.IMMEDIATE)
    stopped = make_article()
    drafting.run_due(now=NOW)
    Issue.objects.get().cancel()

    new = make_article(released_at=NOW + MINUTE)
    drafting.run_due(now=NOW + 2 * MINUTE)

    assert set(Issue.objects.order_by("pk").last().articles.all()) == {stopped, new}  # type: ignore[union-attr]


# --- the rules of the calendar ----------------------------------------------------------------------------------------
def days(count: int, **fields: Any) -> list[str]:
    schedule = Schedule(**{"time": time(8), "time_zone": "UTC", **fields})
    after = datetime(2026, 11, 23, 12, tzinfo=UTC)
    found = []
    for run in scheduling.runs(schedule, after=after):
        found.append(f"{run.at:%a %d %b %H:%M}")
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cadence": "several", "more_times": ["18:05", "12:30"]},
         ["Mon 23 Nov 12:30", "Mon 23 Nov 18:05", "Tue 24 Nov 08:00"]),
        ({"cadence": "daily", "weekdays": [0, 4]}, ["Fri 27 Nov 08:00", "Mon 30 Nov 08:00", "Fri 04 Dec 08:00"]),
        ({"cadence": "weekly", "weekdays": [3], "every_weeks": 2, "first_date": date(2026, 11, 24)},
         ["Thu 26 Nov 08:00", "Thu 10 Dec 08:00", "Thu 24 Dec 08:00"]),
        ({"cadence": "monthly", "day_of_month": 31}, ["Mon 30 Nov 08:00", "Thu 31 Dec 08:00", "Sun 31 Jan 08:00"]),
        ({"cadence": "monthly", "nth_weekday": 1, "weekdays": [1]}, ["Tue 01 Dec 08:00", "Tue 05 Jan 08:00"]),
        ({"cadence": "monthly", "nth_weekday": -1, "weekdays": [4]}, ["Fri 27 Nov 08:00", "Fri 25 Dec 08:00"]),
        ({"cadence": "monthly", "nth_weekday": -1, "weekdays": [0, 1, 2, 3, 4]},
         ["Mon 30 Nov 08:00", "Thu 31 Dec 08:00", "Fri 29 Jan 08:00"]),
        ({"skipped_dates": ["2026-11-25"], "last_date": date(2026, 11, 26)}, ["Tue 24 Nov 08:00", "Thu 26 Nov 08:00"]),
        ({"paused_until": date(2027, 2, 1)}, ["Mon 01 Feb 08:00"]),
        ({"first_date": date(2030, 1, 1)}, ["Tue 01 Jan 08:00"]),
    ],
)  # fmt: skip
def test_rules_name_these_days(fields: dict[str, Any], expected: list[str]) -> None:
    assert days(len(expected) + ("last_date" in fields), **fields) == expected


def test_quiet_days_have_no_run_and_the_next_run_reaches_back_over_them() -> None:
    newsletter = make_newsletter(quiet_dates=["2026-11-24", "2026-11-25/2026-11-30"])
    schedule = make_schedule(newsletter=newsletter, next_run_at=NOW)
    make_subscription(newsletter=newsletter)
    make_article()
    drafting.run_due(now=NOW)
    campaigns.launch(Issue.objects.get(), now=NOW)
    waited = make_article(released_at=NOW + HOUR)

    schedule.refresh_from_db()
    drafting.run_due(now=NOW + 8 * DAY)

    assert schedule.next_run_at == NOW + 8 * DAY
    assert waited in Issue.objects.order_by("pk").last().articles.all()  # type: ignore[union-attr]


def test_date_that_is_skipped_takes_its_draft_along() -> None:
    make_article()
    schedule = make_schedule(next_run_at=NOW)
    drafting.run_due(now=NOW - 30 * MINUTE)

    schedule.skipped_dates = ["2026-11-23"]
    schedule.save()
    scheduling.plan(schedule, now=NOW - 20 * MINUTE)

    assert Issue.objects.get().status == Issue.Status.SKIPPED
    assert schedule.next_run_at == NOW + DAY


def test_schedule_that_is_over_rests_in_peace() -> None:
    schedule = make_schedule(next_run_at=NOW, last_date=date(2026, 11, 23))

    drafting.run_due(now=NOW)
    drafting.run_due(now=NOW + DAY)

    schedule.refresh_from_db()
    assert schedule.next_run_at is None
    assert Issue.objects.count() == 1


def test_runs_of_one_day_are_issues_of_their_own() -> None:
    make_article()
    make_schedule(cadence=Cadence.SEVERAL, more_times=["18:00"], next_run_at=NOW)

    drafting.run_due(now=NOW)
    drafting.run_due(now=NOW + 12 * HOUR)

    assert list(Issue.objects.order_by("pk").values_list("run_date", "run_slot")) == [
        (NOW.date(), "06:00"),
        (NOW.date(), "18:00"),
    ]


# --- the fewest articles, and how long they wait for company ----------------------------------------------------------
@pytest.mark.parametrize(("days_ago", "is_sent"), [(1, False), (2, True)])
def test_fewer_than_the_minimum_wait_until_the_latest_day(days_ago: int, is_sent: bool) -> None:
    schedule = make_schedule(min_articles=3, latest_days=2, window_days=5)
    make_subscription(newsletter=schedule.newsletter)
    oldest = make_article(released_at=NOW - days_ago * DAY)
    make_article()

    drafting.run_due(now=NOW)
    campaign = campaigns.launch(Issue.objects.get(), now=NOW)

    assert (campaign is not None) is is_sent
    if campaign:
        assert oldest in campaign.sends.get().edition.articles.all()  # type: ignore[union-attr]
    else:
        assert "too few" in Issue.objects.get().reason
