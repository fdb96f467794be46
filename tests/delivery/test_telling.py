"""What an issue told, run after run: its web version, the feed, the archive and the desk say only what was news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from articles.models import Article
from newsletter.delivery import campaigns, outlooks
from newsletter.delivery.desk.forecast_wording import remarks
from newsletter.delivery.issue_desk.board import board
from newsletter.digests import drafting, issue_feed
from newsletter.digests.archive import issues_of
from newsletter.digests.models import Correction, Issue, Schedule
from newsletter.digests.rendering import render_web
from newsletter.insights.article_list_standing import standings_in_list
from newsletter.insights.article_standing import standings
from newsletter.insights.today.cards import cards
from newsletter.insights.today.needs import needs
from newsletter.subscribers.models import Newsletter
from tests.factories import NOW, make_article, make_editor, make_schedule, make_subscription

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MONDAY, TUESDAY = NOW, NOW + DAY


@pytest.fixture
def schedule(newsletter: Newsletter) -> Schedule:
    make_subscription(newsletter=newsletter, cadence="daily", confirmed_at=NOW - 30 * DAY)
    return make_schedule(newsletter=newsletter, cadence="daily", max_articles=3)


def news(*titles: str, at: datetime) -> list[Article]:
    return [make_article(title=title, released_at=at - timedelta(hours=2)) for title in titles]


def run(schedule: Schedule, at: datetime) -> Issue:
    """The issue of this run, drafted as ever, decided by its rule and launched."""
    issue, _is_new = drafting.issue_of_run(schedule, at, now=at)
    drafting.decide(issue, schedule=schedule, now=at)
    if issue.status == Issue.Status.APPROVED:
        campaigns.launch(issue, now=at)
    issue.refresh_from_db()
    return issue


def on_the_web(issue: Issue, now: datetime) -> Sequence[str]:
    page = render_web(issue=issue, now=now)
    return [story.headline for story in (*page.stories, *page.headlines)]


def test_what_went_out_the_day_before_is_not_told_again(schedule: Schedule) -> None:
    old = news("Bridge closed", "Library open", at=MONDAY)
    monday = run(schedule, MONDAY)
    Correction.objects.create(issue=monday, article=old[0], note="It opens again on Friday.", at=MONDAY)
    news("Market moves", at=TUESDAY)
    make_subscription(newsletter=schedule.newsletter, cadence="daily", confirmed_at=TUESDAY)  # to whom all is new

    tuesday = run(schedule, TUESDAY)

    assert sorted(on_the_web(monday, TUESDAY)) == ["Bridge closed", "Library open"]
    assert on_the_web(tuesday, TUESDAY) == ["Market moves"]
    latest: Any = issues_of(schedule.newsletter, now=TUESDAY).first()
    assert latest.headline == "Market moves"
    feed = issue_feed.feed("rss", schedule.newsletter, path="/feed", now=TUESDAY).content.decode()
    listed = [feed.count(f"{title}&lt;/a") for title in ("Bridge closed", "Library open", "Market moves")]
    assert listed == [1, 1, 1]
    assert [each.issue for each in Correction.objects.of_issue(monday)] == [monday]
    assert not Correction.objects.of_issue(tuesday).exists()


def test_issue_that_only_newcomers_got_tells_what_they_got(schedule: Schedule) -> None:
    news("Bridge closed", at=MONDAY)
    run(schedule, MONDAY)
    make_subscription(newsletter=schedule.newsletter, cadence="daily", confirmed_at=TUESDAY)

    tuesday = run(schedule, TUESDAY)

    assert tuesday.launched_at
    assert on_the_web(tuesday, TUESDAY) == ["Bridge closed"]


def test_article_that_finds_no_room_is_told_by_the_next_issue(schedule: Schedule) -> None:
    articles = news(*[f"Story {number:02}" for number in range(15)], at=MONDAY)
    monday = run(schedule, MONDAY)
    told = on_the_web(monday, MONDAY)
    left = [article for article in articles if article.title not in told]
    [standing] = standings(left[0], MONDAY)

    tuesday = run(schedule, TUESDAY)

    assert len(told) == 13  # three stories and ten headlines
    assert f"had no room in #{monday.number}" in standing.text
    assert sorted(on_the_web(tuesday, TUESDAY)) == sorted(article.title for article in left)


def test_articles_page_says_what_an_issue_in_the_making_really_brings(schedule: Schedule) -> None:
    had = news("Bridge closed", at=MONDAY)[0]
    monday = run(schedule, MONDAY)
    new = news(*[f"Story {number:02}" for number in range(15)], at=TUESDAY)
    draft, _is_new = drafting.issue_of_run(schedule, TUESDAY, now=TUESDAY - timedelta(hours=1))

    in_list = standings_in_list([had, *new], TUESDAY - timedelta(hours=1))

    lines = [in_list[article.pk][0].text for article in (had, *new)]
    assert f"in #{draft.number}, " in lines[0]
    assert f"only for who has not had it; sent in #{monday.number}" in lines[0]
    assert sum(f"in the draft of #{draft.number}" in line for line in lines) == 13
    assert sum("no room for it in" in line for line in lines) == 2
    for article in (had, *new):
        [on_page] = standings(article, TUESDAY - timedelta(hours=1))
        assert on_page.text.split(";")[0] == in_list[article.pk][0].text.split(";")[0]


def test_desk_names_the_issue_that_told_a_story_and_none_that_had_no_room(schedule: Schedule) -> None:
    news(*[f"Story {number:02}" for number in range(15)], at=MONDAY)
    monday = run(schedule, MONDAY)
    told = on_the_web(monday, MONDAY)
    draft, _is_new = drafting.issue_of_run(schedule, TUESDAY, now=TUESDAY - timedelta(hours=1))

    laid = board(draft, now=TUESDAY - timedelta(hours=1))

    everything = [*laid.stories, *laid.headlines, *(story for group in laid.waiting for story in group.stories)]
    assert {story.article.title for story in everything if f"in #{monday.number}" in story.sent} == set(told)


def test_run_that_needs_approval_and_has_nothing_new_is_skipped(schedule: Schedule) -> None:
    news("Bridge closed", at=MONDAY)
    run(schedule, MONDAY)
    Schedule.objects.update(approval=Schedule.Approval.REQUIRED)
    schedule.refresh_from_db()
    draft, _is_new = drafting.issue_of_run(schedule, TUESDAY, now=TUESDAY - timedelta(minutes=10))
    editor, before_it = make_editor(is_superuser=True), TUESDAY - timedelta(minutes=10)
    before = [each.text for each in needs(editor, now=before_it)]
    forecast = outlooks.forecast_of(outlooks.work_out(draft, clock=lambda: before_it).issue)
    states = [run.state for card in cards(editor, now=before_it) for run in card.runs]

    tuesday = run(schedule, TUESDAY)

    assert draft == tuesday
    assert not any("Nobody has approved" in text for text in before)
    assert forecast
    assert forecast.skipped == tuesday.reason
    assert f"Unless somebody approves it, it is skipped. {tuesday.reason}" in remarks(forecast)
    assert "draft; so far too little is new, it would be skipped" in states
    assert (tuesday.status, tuesday.reason[:12]) == (Issue.Status.SKIPPED, "Nothing new:")


def test_run_that_needs_approval_and_has_too_little_is_skipped(schedule: Schedule) -> None:
    Schedule.objects.update(approval=Schedule.Approval.REQUIRED, min_articles=2)
    schedule.refresh_from_db()
    news("Bridge closed", at=MONDAY)

    monday = run(schedule, MONDAY)

    assert (monday.status, monday.reason) == (
        Issue.Status.SKIPPED, "Too little is new: 1 of at least 2 articles.",
    )  # fmt: skip
