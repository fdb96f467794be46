"""Every planned run ends in a visible outcome, once, whoever runs it."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from newsletter.digests import drafting
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Newsletter
from tests.factories import NOW, make_article, make_newsletter, make_schedule

pytestmark = pytest.mark.django_db


def test_due_run_is_drafted_filled_newest_first_and_approved() -> None:
    older = make_article(released_at=NOW - timedelta(hours=5))
    newer = make_article(released_at=NOW - timedelta(hours=2))
    schedule = make_schedule(next_run_at=NOW)

    drafting.run_due(now=NOW)

    issue = Issue.objects.get()
    assert (issue.status, issue.send_at, issue.run_date) == (Issue.Status.APPROVED, NOW, NOW.date())
    assert [item.article for item in issue.items.all()] == [newer, older]
    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW + timedelta(days=1)


def test_running_twice_makes_one_issue() -> None:
    make_article()
    make_schedule(next_run_at=NOW)

    first, second = drafting.run_due(now=NOW), drafting.run_due(now=NOW)

    assert Issue.objects.count() == 1
    assert second == []
    assert len(first) == 2  # drafted, then decided


def test_two_schedulers_at_the_same_moment_make_one_issue() -> None:
    make_article()
    schedule = make_schedule(next_run_at=NOW)
    other = Schedule.objects.select_related("newsletter").get(pk=schedule.pk)

    mine, mine_is_new = drafting.issue_of_run(schedule, NOW, now=NOW)
    theirs, theirs_is_new = drafting.issue_of_run(other, NOW, now=NOW)

    assert mine == theirs
    assert (mine_is_new, theirs_is_new) == (True, False)


def test_draft_opens_before_the_run_and_takes_in_what_comes_later() -> None:
    early = make_article()
    make_schedule(time=time(6), next_run_at=NOW, draft_minutes=45)

    drafting.run_due(now=NOW - timedelta(minutes=50))
    before = Issue.objects.count()
    drafting.run_due(now=NOW - timedelta(minutes=40))
    draft = Issue.objects.get()
    drafted = (draft.status, list(draft.articles.all()))
    late = make_article(released_at=NOW - timedelta(minutes=10))
    drafting.run_due(now=NOW)

    assert before == 0
    assert drafted == (Issue.Status.DRAFT, [early])
    assert [item.article for item in draft.items.all()] == [late, early]


def test_draft_may_open_a_week_before_the_run() -> None:
    make_article()
    make_schedule(time=time(6), weekdays=[0], next_run_at=NOW, draft_minutes=5 * 24 * 60)

    drafting.run_due(now=NOW - timedelta(days=6))
    before = Issue.objects.count()
    drafting.run_due(now=NOW - timedelta(days=4))

    assert before == 0
    assert Issue.objects.get().send_at == NOW


def test_what_comes_after_an_editor_set_the_order_goes_behind() -> None:
    older, newer = make_article(released_at=NOW - timedelta(hours=9)), make_article()
    make_schedule(time=time(6), next_run_at=NOW, draft_minutes=45)
    drafting.run_due(now=NOW - timedelta(minutes=40))
    draft = Issue.objects.get()
    ranked = [item.article for item in draft.items.all()]
    draft.items.filter(article=newer).update(position=7)
    Issue.objects.update(is_arranged=True)
    late = make_article(released_at=NOW - timedelta(minutes=10))

    drafting.run_due(now=NOW)

    assert ranked == [newer, older]
    assert [item.article for item in draft.items.all()] == [older, newer, late]


def test_run_with_nothing_in_its_window_is_skipped_and_says_so() -> None:
    make_article(released_at=NOW - timedelta(days=9))
    make_schedule(window_days=3)

    drafting.run_due(now=NOW)

    issue = Issue.objects.get()
    assert issue.status == Issue.Status.SKIPPED
    assert "Nothing new" in issue.reason


def test_run_that_needs_approval_is_held_if_nobody_came_and_goes_on_when_approved() -> None:
    make_article()
    make_schedule(approval=Schedule.Approval.REQUIRED)

    drafting.run_due(now=NOW)

    issue = Issue.objects.get()
    assert issue.status == Issue.Status.HELD
    assert "approve" in issue.reason.lower()
    assert issue.approve(now=NOW + timedelta(hours=1))
    assert Issue.objects.ready(NOW + timedelta(hours=1)).get() == issue


def test_run_that_an_editor_approved_early_stays_approved() -> None:
    make_article()
    make_schedule(approval=Schedule.Approval.REQUIRED)
    drafting.run_due(now=NOW - timedelta(minutes=30))
    Issue.objects.get().approve(now=NOW - timedelta(minutes=20))

    drafting.run_due(now=NOW)

    assert Issue.objects.get().status == Issue.Status.APPROVED


def test_server_that_was_down_for_days_owes_one_run() -> None:
    now = NOW + timedelta(days=3, hours=2)
    make_article(released_at=now - timedelta(hours=1))
    schedule = make_schedule(next_run_at=NOW)

    drafting.run_due(now=now)
    drafting.run_due(now=now)

    assert Issue.objects.filter(status=Issue.Status.APPROVED).count() == 1
    schedule.refresh_from_db()
    assert schedule.next_run_at == NOW + timedelta(days=4)


def test_inactive_schedule_does_nothing() -> None:
    make_article()
    make_schedule(is_active=False)

    assert drafting.run_due(now=NOW) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "draft", "released_at": None},
        {"status": "withdrawn", "withdrawn_at": NOW},
        {"is_mailable": False},
        {"expires_at": NOW - timedelta(minutes=1)},
        {"released_at": NOW + timedelta(hours=1)},
        {"released_at": NOW - timedelta(days=4)},
    ],
)
def test_article_that_is_not_eligible_is_not_drafted(fields: dict[str, Any]) -> None:
    make_article(**fields)
    make_schedule(window_days=3)

    drafting.run_due(now=NOW)

    assert not Issue.objects.get().items.exists()


def test_publisher_dates_do_not_matter() -> None:
    back_dated = make_article(published_at=NOW - timedelta(days=400))
    post_dated = make_article(published_at=NOW + timedelta(days=400))
    make_schedule()

    drafting.run_due(now=NOW)

    assert set(Issue.objects.get().articles.all()) == {back_dated, post_dated}


def test_numbers_count_up_per_newsletter() -> None:
    one, other = make_newsletter(), make_newsletter()

    numbers = [drafting.new_issue(newsletter, send_at=NOW).number for newsletter in (one, one, other)]

    assert numbers == [1, 2, 1]


def test_announcements_are_not_filled_with_articles() -> None:
    make_article()
    newsletter = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)

    issue = drafting.new_issue(newsletter, send_at=NOW)

    assert drafting.refresh(issue, now=NOW) == 0
