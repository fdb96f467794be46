"""Whoever begins, begins again or had a stretch of silence gets one digest of the usual size, of recent articles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from articles.models import Article
from newsletter.delivery import campaigns
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import drafting
from newsletter.digests.models import EditionItem, Issue, Schedule
from newsletter.digests.selection import MAX_HEADLINES
from newsletter.subscribers.models import Newsletter, Subscription
from tests.factories import NOW, make_article, make_newsletter, make_schedule, make_subscription

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOST, WINDOW = 5, 3 * DAY


def publish(*, every: timedelta, days: int, until: datetime) -> list[Article]:
    return [make_article(released_at=until - n * every) for n in range(1, days * DAY // every)]


def daily(newsletter: Newsletter) -> Schedule:
    return make_schedule(
        newsletter=newsletter, max_articles=MOST, window_days=WINDOW.days, next_run_at=NOW - DAY, planned_at=NOW - DAY
    )


def run(newsletter: Newsletter, *, at: datetime) -> Campaign:
    """The newsletter's run at this time, as far as the ledger; everybody's mail is accepted."""
    drafting.run_due(now=at)
    issue = Issue.objects.filter(newsletter=newsletter).latest("number")
    campaign = campaigns.launch(issue, now=at)
    assert campaign
    campaign.sends.filter(status=Send.Status.QUEUED).update(status=Send.Status.SENT)
    return campaign


def told(campaign: Campaign, reader: Subscription) -> list[EditionItem]:
    edition = campaign.sends.get(subscriber=reader.subscriber_id).edition
    assert edition
    return list(edition.items.select_related("article").order_by("position"))


def count(items: list[EditionItem], placement: str) -> int:
    return sum(item.placement == placement for item in items)


def joins(newsletter: Newsletter) -> Subscription:
    return make_subscription(newsletter=newsletter, confirmed_at=NOW - HOUR)


def resumes(newsletter: Newsletter) -> Subscription:
    away = make_subscription(newsletter=newsletter, confirmed_at=NOW - 90 * DAY, status=Subscription.Status.PAUSED)
    away.resume()
    return away


@pytest.mark.parametrize("begin", [joins, resumes])
def test_first_digest_is_of_the_usual_size(begin: Callable[[Newsletter], Subscription]) -> None:
    newsletter = make_newsletter()
    publish(every=3 * HOUR, days=12, until=NOW)
    daily(newsletter)
    make_subscription(newsletter=newsletter)
    run(newsletter, at=NOW - DAY)
    reader = begin(newsletter)

    items = told(run(newsletter, at=NOW), reader)

    assert count(items, EditionItem.Placement.STORY) == MOST
    assert count(items, EditionItem.Placement.HEADLINE) == MAX_HEADLINES


@pytest.mark.parametrize("begin", [joins, resumes])
def test_first_digest_with_room_left_is_not_filled_from_the_archive(
    begin: Callable[[Newsletter], Subscription],
) -> None:
    newsletter = make_newsletter()
    published = publish(every=11 * HOUR, days=12, until=NOW)
    daily(newsletter)
    make_subscription(newsletter=newsletter)
    run(newsletter, at=NOW - DAY)
    reader = begin(newsletter)

    items = told(run(newsletter, at=NOW), reader)

    recent = {article.pk for article in published if article.released_at and article.released_at > NOW - WINDOW}
    assert {item.article_id for item in items} == recent
    assert len(recent) < MOST + MAX_HEADLINES


def test_second_digest_repeats_nothing_and_does_not_work_off_the_backlog() -> None:
    newsletter = make_newsletter()
    publish(every=3 * HOUR, days=12, until=NOW + DAY)
    daily(newsletter)
    make_subscription(newsletter=newsletter)
    run(newsletter, at=NOW - DAY)
    reader = joins(newsletter)

    first, second = (told(run(newsletter, at=at), reader) for at in (NOW, NOW + DAY))

    assert not {item.article_id for item in first} & {item.article_id for item in second}
    assert len(second) <= MOST + MAX_HEADLINES
    assert min(item.article.released_at for item in second if item.article.released_at) >= NOW + DAY - WINDOW


def test_digest_after_quiet_days_reaches_back_over_them_and_is_no_longer_than_another() -> None:
    newsletter = make_newsletter(quiet_dates=["2026-11-23/2026-12-01"])
    daily(newsletter)
    reader = make_subscription(newsletter=newsletter)
    make_article(released_at=NOW - 2 * DAY)
    run(newsletter, at=NOW - DAY)
    first_after = NOW + 9 * DAY
    publish(every=3 * HOUR, days=9, until=first_after)

    campaign = run(newsletter, at=first_after)

    items = told(campaign, reader)
    assert campaign.issue.items.count() > 24 + MOST  # more than three days of them were there to choose from
    assert count(items, EditionItem.Placement.STORY) == MOST
    assert count(items, EditionItem.Placement.HEADLINE) == MAX_HEADLINES
