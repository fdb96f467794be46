"""Weekly readers who chose their day: each day's issues are those of other people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from articles.models import Article
from newsletter.digests import drafting, expiring, telling
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Cadence, Newsletter
from tests.factories import NOW, make_article, make_campaign, make_issue, make_newsletter, make_schedule

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)  # NOW is a Monday, the hour of the runs


@pytest.fixture
def newsletter() -> Newsletter:
    return make_newsletter(offers_delivery_time=True, offered_weekdays=[0, 1, 2], cadences=["weekly"])


@pytest.fixture
def schedule(newsletter: Newsletter) -> Schedule:
    assert NOW.weekday() == 0
    return make_schedule(newsletter=newsletter, cadence=Cadence.WEEKLY, weekdays=[0])


def ran(schedule: Schedule, *, days: int, articles: list[Article]) -> Issue:
    """An issue that went out so many days after NOW and told these."""
    at = NOW + days * DAY
    issue = make_issue(
        newsletter=schedule.newsletter, schedule=schedule, cadence=Cadence.WEEKLY, run_date=at.date(), send_at=at,
        articles=articles, status=Issue.Status.APPROVED, approved_at=at, launched_at=at,
    )  # fmt: skip
    issue.items.update(is_told=True)
    return issue


def waiting(schedule: Schedule, *, days: int, articles: list[Article], **fields: object) -> Issue:
    at = NOW + days * DAY
    return make_issue(
        newsletter=schedule.newsletter, schedule=schedule, cadence=Cadence.WEEKLY, run_date=at.date(), send_at=at,
        articles=articles, **fields,
    )  # fmt: skip


def test_what_mondays_issue_told_is_news_to_tuesdays_readers(schedule: Schedule) -> None:
    told = [make_article(released_at=NOW - DAY) for _number in range(3)]
    ran(schedule, days=0, articles=told)
    tuesday = waiting(schedule, days=1, articles=told, min_articles=2)
    next_monday = waiting(schedule, days=7, articles=told, min_articles=2)

    assert telling.before(tuesday) == frozenset()
    assert telling.shortfall(tuesday, now=NOW + DAY) is None
    assert telling.before(next_monday) == {article.pk for article in told}


def test_each_day_that_nobody_ran_has_its_own_late_run(schedule: Schedule) -> None:
    make_article(released_at=NOW - DAY)

    drafting.run_due(now=NOW + 9 * DAY)

    states = Issue.objects.order_by("send_at").values_list("run_date", "status")
    missed, late = ([day for day, status in states if status == each] for each in ("skipped", "approved"))
    assert missed == [(NOW + days * DAY).date() for days in (0, 1, 2)]
    assert late == [(NOW + days * DAY).date() for days in (7, 8, 9)]


def test_held_issue_is_not_overtaken_by_another_days_run(schedule: Schedule) -> None:
    article = make_article(released_at=NOW - DAY)
    held = waiting(schedule, days=1, articles=[article], status=Issue.Status.HELD, reason="look")
    ran(schedule, days=2, articles=[article])

    assert list(expiring.expire_held(now=NOW + 2 * DAY)) == []
    ran(schedule, days=8, articles=[article])
    assert list(expiring.expire_held(now=NOW + 8 * DAY)) == [held]


def test_after_a_run_that_was_missed_the_next_of_that_day_looks_back_far_enough(schedule: Schedule) -> None:
    ran(schedule, days=1, articles=[])
    ran(schedule, days=21, articles=[])
    now = NOW + 22 * DAY

    assert drafting.window_days(schedule, now=now, run_date=now.date()) == 22
    assert drafting.window_days(schedule, now=now) < 22


# --- what did not arrive has another chance ---------------------------------------------------------------------------
def test_weekly_digest_gives_back_what_a_cancelled_one_told() -> None:
    schedule = make_schedule(cadence=Cadence.WEEKLY, weekdays=[0])
    article = make_article(released_at=NOW - 3 * DAY)
    cancelled = ran(schedule, days=0, articles=[article])
    make_campaign(issue=cancelled, status="cancelled", finished_at=NOW)

    drafting.run_due(now=NOW + 7 * DAY)
    issue = Issue.objects.filter(schedule=schedule).latest("send_at")

    assert telling.before(issue) == frozenset()
    assert [item.article for item in issue.items.all()] == [article]
    assert issue.status == Issue.Status.APPROVED


def test_daily_digest_keeps_to_what_its_schedule_says() -> None:
    schedule = make_schedule(window_days=1, planned_at=NOW)

    assert drafting.window_days(schedule, now=NOW) == 2


def test_nothing_is_too_old_before_a_run_that_may_go_out_with_fewer() -> None:
    schedule = make_schedule(min_articles=2, latest_days=3, window_days=3, planned_at=NOW)
    article = make_article(released_at=NOW - 3 * DAY - timedelta(hours=1))

    drafting.run_due(now=NOW)

    assert [item.article for item in Issue.objects.get(schedule=schedule).items.all()] == [article]
