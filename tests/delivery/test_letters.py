"""The compiled editions that a worker keeps: few at a time, whatever there is, and made with one query for a batch."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter.delivery import campaigns, dispatch, letters
from newsletter.delivery.models import Campaign
from newsletter.digests.models import EditionItem, Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock, books
from tests.factories import NOW, make_article, make_issue, make_subscription, make_topic
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)
EDITIONS = 6


@pytest.fixture
def campaign(newsletter: Newsletter) -> Campaign:
    """As many editions as readers, each of one article."""
    topics = [make_topic() for _ in range(EDITIONS)]
    for number, topic in enumerate(topics):
        make_subscription(newsletter=newsletter, email=f"reader{number}@example.org", topics=[topic])
    articles = [make_article(title=f"Story {n}", topics=[topic]) for n, topic in enumerate(topics)]
    issue = make_issue(newsletter=newsletter, articles=articles, status=Issue.Status.APPROVED, approved_at=NOW)
    campaign = campaigns.launch(issue, now=NOW)
    assert campaign is not None
    return campaign


@pytest.mark.parametrize("limit", ["KEPT", "KEPT_SIZE"])
def test_what_does_not_fit_is_made_again(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, monkeypatch: Any, limit: str
) -> None:
    monkeypatch.setattr(letters, limit, 1)

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert books(campaign) == {"sent": EDITIONS}
    for message in smtp_mailers.messages:
        number = message.recipients[0].removeprefix("reader").partition("@")[0]
        assert f"Story {number}" in str(message.parsed.get_body(("plain",)))


def test_articles_of_all_editions_of_a_batch_take_one_query(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    with CaptureQueriesContext(connection) as queries:
        dispatch.drain(campaign, clock=clock, seconds=10)

    items = [query for query in queries if f'FROM "{EditionItem._meta.db_table}"' in query["sql"]]
    assert len(smtp_mailers.messages) == EDITIONS
    assert len(items) == 1
