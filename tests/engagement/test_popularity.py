"""What measured readers click makes an article popular, for a while; issues tell the popular first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from articles.models import Article
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import arranging
from newsletter.digests.models import Issue, Link
from newsletter.engagement import popularity
from newsletter.engagement.models import Event
from newsletter.subscribers.models import Subscription
from tests.factories import (
    NOW,
    make_article,
    make_campaign,
    make_edition,
    make_issue,
    make_newsletter,
    make_subscription,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def issue() -> Issue:
    return make_issue(newsletter=make_newsletter(measures_clicks=True))


@pytest.fixture
def readers(issue: Issue) -> list[Subscription]:
    return [make_subscription(newsletter=issue.newsletter) for _ in range(4)]


def click(issue: Issue, article: Article, readers: list[Subscription], *, ago: timedelta = DAY) -> None:
    link = Link.objects.create(issue=issue, article=article, url=f"/{article.pk}", url_hash=str(article.pk))
    campaign = Campaign.objects.filter(issue=issue).first() or make_campaign(issue=issue)
    edition = make_edition(issue=issue)
    for reader in readers:
        send, _created = Send.objects.get_or_create(
            campaign=campaign, subscriber=reader.subscriber, defaults={"edition": edition}
        )
        Event.objects.create(
            kind="clicked", send=send, link=link, source="link", source_id=f"{send.pk}.{link.pk}", at=NOW - ago
        )


def score(article: Article) -> float:
    return Article.objects.get(pk=article.pk).score


def test_fresh_clicks_weigh_more_and_old_ones_nothing(issue: Issue, readers: list[Subscription]) -> None:
    fresh, older, old, unread = (make_article() for _ in range(4))
    click(issue, fresh, readers[:2], ago=timedelta(0))
    click(issue, older, readers[:2], ago=2 * DAY)
    click(issue, old, readers, ago=15 * DAY)

    assert popularity.refresh(now=NOW) == 2
    assert [round(score(each), 2) for each in (fresh, older, old, unread)] == [2.0, 1.0, 0.0, 0.0]


def test_popularity_fades_until_nothing_is_left(issue: Issue, readers: list[Subscription]) -> None:
    article = make_article()
    click(issue, article, readers, ago=timedelta(0))

    scores = []
    for days in (0, 2, 4, 20, 21):
        popularity.refresh(now=NOW + days * DAY)
        scores.append(round(score(article), 2))

    assert scores == [4.0, 2.0, 1.0, 0.0, 0.0]


def test_issue_tells_first_what_is_read(issue: Issue, readers: list[Subscription]) -> None:
    quiet, read = make_article(), make_article()
    Article.objects.filter(pk=quiet.pk).update(released_at=NOW - timedelta(minutes=50))
    before = arranging.rank([quiet.pk, read.pk], now=NOW)
    click(issue, read, readers)

    popularity.refresh(now=NOW)

    assert before == [quiet.pk, read.pk]
    assert arranging.rank([quiet.pk, read.pk], now=NOW) == [read.pk, quiet.pk]


def test_cost_does_not_grow_with_readers(
    issue: Issue, readers: list[Subscription], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        click(issue, make_article(), readers)

    with django_assert_num_queries(3):  # two selects, one update
        popularity.refresh(now=NOW)
    with django_assert_num_queries(2):
        assert popularity.refresh(now=NOW) == 0
