"""Runs that are easily forgotten: of schedules that nobody planned, that are broken, changed or switched off."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta

import pytest
from django.db import connection, transaction

from newsletter.digests import drafting, scheduling, versions
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Cadence
from tests.factories import NOW, make_article, make_editor, make_issue, make_newsletter, make_schedule

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_schedule_that_was_saved_without_planning_is_planned_by_the_sweep() -> None:
    schedule = make_schedule(time=time(6), next_run_at=None)

    drafting.run_due(now=NOW - HOUR)

    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW


def test_inactive_schedule_stays_unplanned() -> None:
    schedule = make_schedule(next_run_at=None, is_active=False)

    drafting.run_due(now=NOW)

    schedule.refresh_from_db()
    assert schedule.next_run_at is None


@pytest.mark.parametrize(
    "broken", [{"weekdays": []}, {"time_zone": "Mars/Base"}, {"weekdays": [], "next_run_at": None}]
)
def test_broken_schedule_stops_no_other_and_is_reported(broken: dict[str, object]) -> None:
    make_article()
    make_schedule(**{"next_run_at": NOW - HOUR, **broken})
    sound = make_schedule(next_run_at=NOW)

    with pytest.raises(ExceptionGroup):
        drafting.run_due(now=NOW)

    assert Issue.objects.get(schedule=sound).status == Issue.Status.APPROVED


def test_schedule_moved_to_later_takes_its_open_draft_along() -> None:
    make_article()
    schedule = make_schedule(time=time(6), next_run_at=NOW)
    drafting.run_due(now=NOW - timedelta(minutes=30))
    Issue.objects.get().approve(now=NOW - timedelta(minutes=25))

    schedule.time = time(8)
    schedule.save()
    scheduling.plan(schedule, now=NOW - timedelta(minutes=20))

    assert Issue.objects.get().send_at == NOW + 2 * HOUR


def test_draft_of_a_run_that_the_schedule_no_longer_has_is_decided_all_the_same() -> None:
    make_article()
    schedule = make_schedule(time=time(6), next_run_at=NOW)
    drafting.run_due(now=NOW - timedelta(minutes=30))

    schedule.time = time(5)
    schedule.save()
    scheduling.plan(schedule, now=NOW - timedelta(minutes=20))
    drafting.run_due(now=NOW)

    issue = Issue.objects.get()
    assert issue.status == Issue.Status.APPROVED
    assert schedule.next_run_at == NOW + timedelta(hours=23)


def test_draft_of_a_schedule_that_was_switched_off_is_skipped_and_says_so() -> None:
    make_article()
    schedule = make_schedule(next_run_at=NOW)
    drafting.run_due(now=NOW - timedelta(minutes=30))

    Schedule.objects.filter(pk=schedule.pk).update(is_active=False)
    drafting.run_due(now=NOW)

    issue = Issue.objects.get()
    assert (issue.status, "switched off" in issue.reason) == (Issue.Status.SKIPPED, True)


def test_draft_of_a_schedule_that_was_deleted_is_held_and_says_so() -> None:
    make_article()
    schedule = make_schedule(next_run_at=NOW)
    drafting.run_due(now=NOW - timedelta(minutes=30))

    schedule.delete()
    drafting.run_due(now=NOW)

    issue = Issue.objects.get()
    assert (issue.status, "deleted" in issue.reason) == (Issue.Status.HELD, True)


def test_draft_that_an_editor_made_by_hand_waits_for_the_editor() -> None:
    issue = make_issue(articles=[make_article()], send_at=NOW - HOUR)

    drafting.run_due(now=NOW)

    issue.refresh_from_db()
    assert issue.status == Issue.Status.DRAFT


def test_issue_that_went_out_early_is_not_filled_any_more() -> None:
    make_article()
    make_schedule(next_run_at=NOW)
    drafting.run_due(now=NOW - timedelta(minutes=30))
    issue = Issue.objects.get()
    issue.approve(now=NOW - timedelta(minutes=20))
    issue.launch(NOW - timedelta(minutes=20))

    make_article(released_at=NOW - timedelta(minutes=10))
    drafting.run_due(now=NOW)

    assert issue.items.count() == 1


@pytest.mark.parametrize("do", [Issue.cancel, lambda issue: issue.hold(reason="wait"), lambda i: i.skip(reason="no")])
def test_issue_that_was_launched_a_moment_ago_cannot_be_stopped_as_if_it_were_not(do) -> None:  # type: ignore[no-untyped-def]
    issue = make_issue(status=Issue.Status.APPROVED, approved_at=NOW)
    as_the_editor_sees_it = Issue.objects.get(pk=issue.pk)

    issue.launch(NOW)

    assert do(as_the_editor_sees_it) is False
    issue.refresh_from_db()
    assert issue.status == Issue.Status.APPROVED


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"cadence": Cadence.WEEKLY, "weekdays": [0]}, 7),
        ({"cadence": Cadence.MONTHLY, "day_of_month": 23}, 31),
        ({"cadence": Cadence.DAILY, "weekdays": [0, 1, 2]}, 5),
    ],
)
def test_window_reaches_back_to_the_run_before(fields: dict[str, object], days: int) -> None:
    just_after_the_last_run = make_article(released_at=NOW - timedelta(days=days) + timedelta(minutes=5))
    make_schedule(window_days=3, **fields)

    drafting.run_due(now=NOW)

    assert just_after_the_last_run in Issue.objects.get().articles.all()


def test_skipped_run_names_the_days_that_were_looked_at() -> None:
    make_schedule(cadence=Cadence.WEEKLY, weekdays=[0], window_days=3)

    drafting.run_due(now=NOW)

    assert "15 days" in Issue.objects.get().reason


def test_what_an_editor_approved_takes_in_nothing_more_and_what_the_rule_approved_does() -> None:
    by_rule, by_editor = make_issue(), make_issue()
    by_rule.approve(now=NOW)
    by_editor.approve(by=make_editor(), now=NOW)
    make_article()

    added = [drafting.refresh(issue, now=NOW) for issue in (by_rule, by_editor)]

    assert added == [1, 0]


def test_approval_outlives_the_account_of_who_gave_it() -> None:
    issue, editor = make_issue(), make_editor()
    issue.approve(by=editor, now=NOW)
    make_article()

    editor.delete()

    issue.refresh_from_db()
    assert drafting.refresh(issue, now=NOW) == 0
    assert versions.is_approved_by_somebody(issue)


@pytest.mark.django_db(transaction=True)
def test_two_issues_of_a_newsletter_made_at_the_same_moment_get_two_numbers() -> None:
    newsletter = make_newsletter()
    has_number, may_commit = threading.Event(), threading.Event()

    def first() -> int:
        with transaction.atomic():
            number = drafting.new_issue(newsletter, send_at=NOW).number
            has_number.set()
            may_commit.wait(10)
        connection.close()
        return number

    def second() -> int:
        has_number.wait(10)
        threading.Timer(0.3, may_commit.set).start()
        number = drafting.new_issue(newsletter, send_at=NOW).number
        connection.close()
        return number

    with ThreadPoolExecutor(2) as pool:
        numbers = [future.result(20) for future in [pool.submit(first), pool.submit(second)]]

    assert numbers == [1, 2]


def test_draft_that_was_put_off_is_decided_at_its_new_time() -> None:
    schedule = make_schedule(approval="required", next_run_at=NOW)
    make_article(released_at=NOW - timedelta(hours=2))
    issue, _is_new = drafting.issue_of_run(schedule, NOW, now=NOW - timedelta(minutes=30))
    Issue.objects.filter(pk=issue.pk).update(send_at=NOW + timedelta(hours=2))

    drafting.run_due(now=NOW)
    before = Issue.objects.get(pk=issue.pk).status
    drafting.run_due(now=NOW + timedelta(hours=2))

    assert (before, Issue.objects.get(pk=issue.pk).status) == (Issue.Status.DRAFT, Issue.Status.HELD)
    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW + timedelta(days=1)


def test_stretch_of_skipped_dates_is_left_out() -> None:
    schedule = make_schedule(skipped_dates=["2026-11-24/2026-11-30"])

    days = [day for day in range(22, 31) if scheduling.is_closed(schedule, date(2026, 11, day))]

    assert days == list(range(24, 31))


def test_article_that_waits_for_quiet_hours_survives_a_change_of_its_schedule() -> None:
    newsletter = make_newsletter(quiet_from=time(22), quiet_until=time(7))
    schedule = make_schedule(
        newsletter=newsletter, cadence=Cadence.IMMEDIATE, next_run_at=None, planned_at=NOW - 2 * DAY
    )
    make_article(released_at=NOW - timedelta(hours=4))
    assert list(drafting.run_due(now=NOW)) == []

    scheduling.plan(schedule, now=NOW)

    assert len(drafting.run_due(now=NOW + timedelta(hours=2))) == 1


def test_schedule_for_every_article_begins_anew_when_it_is_switched_on_again() -> None:
    schedule = make_schedule(cadence=Cadence.IMMEDIATE, next_run_at=None, planned_at=NOW - 2 * DAY, is_active=False)
    make_article(released_at=NOW - timedelta(hours=4))
    scheduling.plan(schedule, now=NOW - timedelta(hours=6))

    schedule.is_active = True
    schedule.save()
    scheduling.plan(schedule, now=NOW)

    assert list(drafting.run_due(now=NOW + timedelta(hours=2))) == []
