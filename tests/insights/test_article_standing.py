"""Where articles stand in the newsletters: in the list of articles, and on the page of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from articles.models import Article
from newsletter.delivery.models import Send
from newsletter.digests.models import Issue
from newsletter.insights.article_list_standing import standings_in_list
from newsletter.insights.article_standing import standings
from newsletter.subscribers.models import Newsletter
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MOST_QUERIES = 10 + 10  # and for the one issue that waits


def told(*articles: Article) -> list[list[str]]:
    found = standings_in_list(articles, NOW)
    return [[f"{each.newsletter}: {each.text}" for each in found.get(article.pk, [])] for article in articles]


def gone(article: Article, *, sent: int, failed: int, **issue: Any) -> Issue:
    """An issue that went out with the article to some, and failed to reach others."""
    values = {"status": Issue.Status.APPROVED, "approved_at": NOW, "launched_at": NOW, **issue}
    launched = factories.make_issue(articles=[article], **values)
    edition, campaign = (
        factories.make_edition(issue=launched, articles=[article]),
        factories.make_campaign(issue=launched),
    )
    for number in range(sent + failed):
        is_sent = number < sent
        outcome = {"status": Send.Status.SENT} if is_sent else {"status": Send.Status.FAILED, "reason": "refused"}
        subscription = factories.make_subscription(newsletter=launched.newsletter)
        factories.make_send(campaign=campaign, edition=edition, subscription=subscription, **outcome)
    return launched


def test_article_that_is_about_to_go_out_says_when() -> None:
    article, newsletter = factories.make_article(), factories.make_newsletter(name="Latest news")
    send_at = NOW + timedelta(days=1)
    factories.make_issue(
        newsletter=newsletter, articles=[article], number=7, send_at=send_at, status=Issue.Status.APPROVED,
        approved_at=NOW,
    )  # fmt: skip

    [[line]] = told(article)

    assert line.startswith("Latest news: goes out ")
    assert line.endswith(" in #7")


def test_article_that_went_out_says_to_how_many() -> None:
    article, newsletter = factories.make_article(), factories.make_newsletter(name="Latest news")
    issue = gone(article, sent=2, failed=1, newsletter=newsletter)

    assert told(article) == [[f"Latest news: sent to 66 % in #{issue.number}"]]


def test_alert_is_told_as_one_in_the_list_and_on_the_page() -> None:
    article = factories.make_article()
    updates = factories.make_newsletter(name="Updates", kind=Newsletter.Kind.ANNOUNCEMENTS)
    gone(article, sent=3, failed=2, newsletter=updates, is_alert=True)

    [on_page] = standings(article, NOW)

    assert told(article) == [["Updates: sent to 60 % as an alert"]]
    assert on_page.text.startswith("sent to 60 % (3) as an alert")


def test_article_that_is_too_old_or_has_a_reason_of_its_own_says_so() -> None:
    newsletter = factories.make_newsletter(name="Latest news")
    schedule = factories.make_schedule(newsletter=newsletter, next_run_at=NOW + timedelta(hours=1), window_days=3)
    old = factories.make_article(released_at=NOW - timedelta(days=30))
    new, draft = factories.make_article(), factories.make_article(status=Article.Status.DRAFT, released_at=None)

    lines = told(old, new, draft)

    assert lines[0] == [f"Latest news: not in: older than its window of {schedule.window_days} days"]
    assert lines[1][0].startswith("Latest news: goes into the draft for ")
    assert lines[2] == [": not in: not published"]


def test_article_that_an_editor_dropped_is_not_said_to_go_into_the_next_draft() -> None:
    newsletter = factories.make_newsletter(name="Latest news")
    schedule = factories.make_schedule(newsletter=newsletter, next_run_at=NOW + timedelta(hours=1))
    article = factories.make_article()
    issue = factories.make_issue(
        newsletter=newsletter,
        schedule=schedule,
        cadence="daily",
        articles=[article],
        status="approved",
        approved_at=NOW,
        launched_at=NOW,
    )
    issue.items.update(state="dropped", is_told=False)

    [on_page] = standings(article, NOW)

    assert on_page.text == "not in: an editor dropped it from an earlier issue"
    assert told(article) == [["Latest news: not in: an editor dropped it from an earlier issue"]]


def test_what_was_merged_into_an_article_is_told_as_the_article() -> None:
    article, newsletter = factories.make_article(), factories.make_newsletter(name="Latest news")
    double = factories.make_article(merged_into=article, status=Article.Status.WITHDRAWN, withdrawn_at=NOW)
    issue = gone(double, sent=1, failed=0, newsletter=newsletter)

    assert told(article) == [[f"Latest news: sent to 100 % in #{issue.number}"]]


def test_long_campaign_is_named_without_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    article, newsletter = factories.make_article(), factories.make_newsletter(name="Latest news")
    issue = gone(article, sent=2, failed=0, newsletter=newsletter)
    monkeypatch.setattr("newsletter.insights.article_list_standing.MOST_COUNTED", 1)

    assert told(article) == [[f"Latest news: sent in #{issue.number}"]]


def test_fifty_articles_need_as_many_queries_as_one() -> None:
    newsletter = factories.make_newsletter()
    factories.make_schedule(newsletter=newsletter)
    articles = [factories.make_article() for _number in range(50)]
    for article in articles[::2]:
        gone(article, sent=1, failed=0, newsletter=newsletter)
    factories.make_issue(newsletter=newsletter, articles=articles)

    with CaptureQueriesContext(connection) as queries:
        lines = told(*articles)

    assert all(lines)
    assert len(queries) <= MOST_QUERIES, [query["sql"][:120] for query in queries]


def test_list_of_articles_shows_it(client: Client) -> None:
    client.force_login(factories.make_editor())
    article = factories.make_article(released_at=timezone.now() - timedelta(days=1))
    gone(article, sent=1, failed=0)
    for _number in range(4):
        gone(article, sent=1, failed=0)

    page = client.get(reverse("admin:articles_article_changelist")).content.decode()

    assert "sent to 100 % in #" in page
    assert "and 2 more" in page
