"""How often a newsletter really comes, as it is noted and as it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from newsletter.digests import rhythms, scheduling
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Cadence, Newsletter
from newsletter.subscribers.rhythm import Rhythm, promise
from tests.factories import NOW, make_article, make_edition, make_issue, make_newsletter, make_schedule

pytestmark = pytest.mark.django_db
WORKDAYS = [0, 1, 2, 3, 4]


def make_run(schedule: Schedule, *, days_ago: int, is_sent: bool, article_count: int = 0) -> Issue:
    at = NOW - timedelta(days=days_ago)
    outcome = (
        {"status": Issue.Status.APPROVED, "approved_at": at, "launched_at": at}
        if is_sent
        else {"status": Issue.Status.SKIPPED, "reason": "Nothing new"}
    )
    issue = make_issue(
        newsletter=schedule.newsletter, schedule=schedule, cadence=schedule.cadence, run_date=at.date(), send_at=at,
        **outcome,
    )  # fmt: skip
    if article_count:
        make_edition(issue=issue, articles=[make_article() for _ in range(article_count)])
    return issue


def noted(newsletter: Newsletter) -> Newsletter:
    rhythms.note_due(now=NOW)
    newsletter.refresh_from_db()
    return newsletter


def test_new_newsletter_promises_what_its_schedules_plan() -> None:
    newsletter = make_newsletter()
    make_schedule(newsletter=newsletter, weekdays=WORKDAYS)
    make_schedule(newsletter=newsletter, cadence=Cadence.WEEKLY, weekdays=[5])
    make_schedule(newsletter=newsletter, cadence=Cadence.WEEKLY, weekdays=[2], is_active=False)

    told = promise(noted(newsletter))

    assert newsletter.rhythm == {"daily": [5, 0], "weekly": [1, 0]}
    assert told == "About 5 mails a week, and none when there is no news; once a week if you like that better."


@pytest.mark.parametrize(
    ("fields", "mails_a_week"),
    [
        ({"cadence": "several", "more_times": ["12:00"], "weekdays": WORKDAYS}, 10),
        ({"cadence": "weekly", "weekdays": [4], "every_weeks": 2}, 0.5),
        ({"cadence": "immediate"}, 3),
    ],
)
def test_schedules_of_every_kind_promise_what_they_bring(fields: dict[str, Any], mails_a_week: float) -> None:
    schedule = make_schedule(**fields)
    for day in range(12):
        make_article(released_at=NOW - timedelta(days=2 * day + 1))

    assert rhythms.rhythms_of(schedule.newsletter, now=NOW) == {fields["cadence"]: Rhythm(mails_a_week, 0)}


def test_newsletter_that_often_had_nothing_new_says_so_and_how_much_it_carried() -> None:
    schedule = make_schedule(newsletter=make_newsletter(cadences=["daily"]))
    for day in range(1, 15):
        make_run(schedule, days_ago=day, is_sent=day % 7 < 3, article_count=4 if day % 7 < 3 else 0)

    told = promise(noted(schedule.newsletter))

    assert schedule.newsletter.rhythm == {"daily": [3, 4]}
    assert told == "About 3 mails a week with about 4 articles each, and none when there is no news."


def test_runs_of_long_ago_and_drafts_count_for_nothing() -> None:
    schedule = make_schedule()
    for day in (30, 31, 32, 33):
        make_run(schedule, days_ago=day, is_sent=False)
    make_issue(newsletter=schedule.newsletter, schedule=schedule, cadence="daily")

    assert rhythms.rhythms_of(schedule.newsletter, now=NOW) == {"daily": Rhythm(7, 0)}


def test_newsletter_of_which_nothing_is_known_promises_its_cadences_only() -> None:
    newsletter = make_newsletter()

    assert promise(newsletter) == promise(noted(newsletter))
    assert promise(newsletter) == (
        "It comes as often as you choose, once a day or once a week, and only if there is news."
    )


def test_what_is_written_by_hand_says_how_often_it_came() -> None:
    newsletter = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    for day in (2, 20, 40, 60, 80):
        make_issue(newsletter=newsletter, launched_at=NOW - timedelta(days=day))

    assert promise(noted(newsletter)) == "It comes when there is something to say, lately about 2 mails a month."


def test_young_newsletter_written_by_hand_promises_no_figure() -> None:
    newsletter = make_newsletter(kind=Newsletter.Kind.OFFERS)
    make_issue(newsletter=newsletter, launched_at=NOW - timedelta(days=2))

    assert promise(noted(newsletter)) == "It comes when there is something to say."


@pytest.mark.parametrize(
    ("mails_per_week", "told"),
    [(7, "About 7 mails a week"), (1.6, "About 2 mails a week"), (1, "About one mail a week"),
     (0.5, "About 2 mails a month"), (1 / 4.35, "About one mail a month"), (0.05, "Less than one mail a month")],
)  # fmt: skip
def test_figures_are_told_as_people_say_them(mails_per_week: float, told: str) -> None:
    newsletter = make_newsletter(cadences=["daily"], rhythm={"daily": Rhythm(mails_per_week).as_fact()})

    assert promise(newsletter) == f"{told}, and none when there is no news."


def test_facts_are_noted_once_an_hour_and_at_once_when_a_schedule_changes() -> None:
    schedule = make_schedule()
    make_newsletter()

    assert rhythms.note_due(now=NOW) == 2
    assert rhythms.note_due(now=NOW + timedelta(minutes=59)) == 0
    scheduling.plan(schedule, now=NOW)
    assert rhythms.note_due(now=NOW + timedelta(minutes=59)) == 1
    assert rhythms.note_due(now=NOW + timedelta(minutes=61)) == 1


def test_every_form_says_it(client: Client) -> None:
    newsletter = make_newsletter(cadences=["daily"], rhythm={"daily": [5, 6]})

    for path in ("/subscribe/", f"/embed/{newsletter.slug}/", f"/newsletters/{newsletter.slug}/", "/newsletters/"):
        assert "About 5 mails a week with about 6 articles each" in client.get(path).content.decode(), path


def test_latest_leads_to_the_newest_issue_that_went_out(client: Client) -> None:
    newsletter = make_newsletter()
    for number, launched_at in ((3, NOW), (4, NOW), (5, None)):
        make_issue(newsletter=newsletter, number=number, launched_at=launched_at)

    response = client.get(f"/newsletters/{newsletter.slug}/latest/")

    assert (response.status_code, response["Location"]) == (302, f"/newsletters/{newsletter.slug}/issues/4/")


def test_latest_of_a_newsletter_without_issues_leads_to_the_newsletter(client: Client) -> None:
    newsletter = make_newsletter()

    assert client.get(f"/newsletters/{newsletter.slug}/latest/")["Location"] == f"/newsletters/{newsletter.slug}/"
    assert client.get("/newsletters/none-such/latest/").status_code == 404
