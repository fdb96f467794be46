"""What readers clicked in an issue, honestly: of how many it is known."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from newsletter.delivery.models import Send
from newsletter.digests.models import Issue, Link
from newsletter.engagement.models import Event
from newsletter.insights import reading
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
    with django_assert_num_queries(4):
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
