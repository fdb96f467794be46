"""What readers clicked in an issue, honestly: of how many it is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from newsletter.delivery.models import Send
from newsletter.digests.models import Issue, Link
from newsletter.engagement.models import Event
from newsletter.insights import reading, tasks
from newsletter.insights.reading import Clicked
from newsletter.subscribers.models import Newsletter, Subscriber
from tests.factories import (
    NOW,
    make_article,
    make_campaign,
    make_edition,
    make_editor,
    make_issue,
    make_newsletter,
    make_subscription,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue() -> Issue:
    """Sent to five readers of whom four agreed; two of them clicked the first story, one of these the second too."""
    issue = make_issue(
        newsletter=make_newsletter(measures_clicks=True), status="approved", approved_at=NOW, launched_at=NOW
    )
    campaign, edition = make_campaign(issue=issue), make_edition(issue=issue)
    sends = []
    for _ in range(5):
        reader = make_subscription(newsletter=issue.newsletter).subscriber
        sends.append(Send.objects.create(campaign=campaign, edition=edition, subscriber=reader, status="sent"))
    Subscriber.objects.exclude(sends=sends[4]).update(allows_measuring=True)
    first, second, nobody = (
        Link.objects.create(issue=issue, article=article, url=f"/{title}", url_hash=title)
        for title in ("bridge", "quay", "lock")
        for article in [make_article(title=title)]
    )
    for number, (send, link) in enumerate([(0, first), (0, first), (1, first), (1, second), (4, nobody)]):
        Event.objects.create(kind="clicked", send=sends[send], link=link, source="link", source_id=str(number), at=NOW)
    return issue


def test_clicks_are_counted_by_reader_and_story_of_those_who_agreed(
    issue: Issue, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):
        found = reading.of_issue(issue)

    assert found
    assert (found.measured_count, found.clicked_count, found.opened_count) == (4, 2, None)
    assert found.links == (Clicked("bridge", 2, 50), Clicked("quay", 1, 25), Clicked("lock", 0, 0))


def test_page_of_the_issue_says_of_how_many(client: Client, issue: Issue) -> None:
    client.force_login(make_editor())

    page = client.get(f"/admin/answers/{issue.pk}/").content.decode()

    assert "2 readers clicked something," in page
    assert "of 4 who got the issue and agreed to be measured." in page
    assert "bridge: 2 (50 %)" in page
    assert "opened it" not in page


def test_nothing_is_said_where_nothing_was_measured(client: Client) -> None:
    client.force_login(make_editor())
    issue = make_issue(status="approved", approved_at=NOW, launched_at=NOW)

    page = client.get(f"/admin/answers/{issue.pk}/").content.decode()

    assert reading.of_issue(issue) is None
    assert "agreed to be measured" not in page


def test_opens_are_told_where_they_are_measured(issue: Issue) -> None:
    Newsletter.objects.update(measures_opens=True)
    send = Send.objects.order_by("pk")[2]
    Event.objects.create(kind="opened", send=send, source="picture", source_id="1", at=NOW)

    found = reading.of_issue(Issue.objects.select_related("newsletter").get(pk=issue.pk))

    assert found
    assert found.opened_count == 1


def test_what_went_to_many_is_counted_by_a_worker_and_the_page_says_so_until_then(
    client: Client, issue: Issue, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    at_once = reading.of_issue(issue)
    monkeypatch.setattr(reading, "MOST_COUNTED", 4)
    client.force_login(make_editor())
    page = f"/admin/answers/{issue.pk}/"

    waiting = client.get(page).content.decode()
    tasks.count_reading(issue_id=issue.pk)
    with django_assert_num_queries(3):
        stored = reading.of_issue(issue)
    counted = client.get(page).content.decode()

    assert "What readers clicked is being counted." in waiting
    assert at_once
    assert stored == replace(at_once, counted_at=stored.counted_at if stored else None)
    assert "bridge: 2 (50 %)" in counted
    assert "Counted on" in counted


def test_older_issues_are_counted_less_often_and_none_twice_at_once(
    issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_COUNTED", 4)
    reading.count(issue, now=NOW)
    Event.objects.all().delete()

    reading.count(issue, now=NOW + timedelta(seconds=10))
    fresh = reading.of_issue(issue)
    reading.count(issue, now=NOW + timedelta(days=20))
    old = reading.of_issue(issue)

    assert fresh
    assert old
    assert (fresh.clicked_count, old.clicked_count) == (2, 0)
    assert [fresh.is_due(issue, now=NOW + timedelta(minutes=minutes)) for minutes in (4, 6)] == [False, True]
    assert [old.is_due(issue, now=NOW + timedelta(days=20, hours=hours)) for hours in (23, 26)] == [False, True]


def test_what_went_out_lately_is_counted_before_somebody_looks(issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_COUNTED", 4)

    counts = [reading.recount(now=NOW + timedelta(days=days)) for days in (0, 0, 1, 15)]

    found = reading.of_issue(issue)
    assert counts == [1, 0, 1, 0]
    assert found
    assert (found.clicked_count, found.counted_at) == (2, NOW + timedelta(days=1))
