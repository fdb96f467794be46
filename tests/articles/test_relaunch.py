"""A feed's first import, its relaunches and its mishaps flood nobody and lose nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from articles.feeds.first_import import FirstImport
from articles.feeds.importing import MOST_NEW_AT_ONCE, poll
from articles.models import Article, FeedEntry
from tests.articles.documents import item, rss
from tests.articles.polling import LATER, counts, polled_again, served
from tests.factories import NOW, make_feed
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db


def dated(number: int, *, hours_ago: float, **fields: str) -> str:
    return item(number, pubDate=format_datetime(NOW - timedelta(hours=hours_ago)), **fields)


def mailable() -> set[str]:
    return set(Article.objects.eligible(since=NOW - timedelta(days=1), now=LATER).values_list("title", flat=True))


@pytest.mark.parametrize(
    ("first", "taken"), [(FirstImport.NOTHING, []), (FirstImport.DAY, [1]), (FirstImport.EVERYTHING, [1, 2, 3])]
)
def test_first_import_takes_what_is_wanted(http_server: HttpServer, first: FirstImport, taken: list[int]) -> None:
    old = [dated(1, hours_ago=2), dated(2, hours_ago=30), item(3)]
    feed = make_feed(url=http_server.serve("/feed.xml", rss(*old)))

    poll(feed=feed, now=NOW, first=first)
    assert set(Article.objects.values_list("title", flat=True)) == {f"What happened in story {one}" for one in taken}

    report = polled_again(http_server, feed, dated(4, hours_ago=0), *old)
    assert report.new == 1, "what was left out never comes as news"


def test_what_was_left_out_stays_out_under_a_new_id(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", rss(dated(1, hours_ago=2))))
    poll(feed=feed, now=NOW, first=FirstImport.NOTHING)

    report = polled_again(http_server, feed, dated(1, hours_ago=2, guid="new-1", link="https://new.example/1"))

    assert counts(report) == (0, 0, 1)


def test_archive_of_a_new_feed_stands_at_its_own_dates(http_server: HttpServer) -> None:
    served(http_server, *(dated(number, hours_ago=100 * number) for number in range(1, 13)))

    oldest = Article.objects.published(NOW).last()
    assert oldest is not None
    assert oldest.released_at == NOW - timedelta(hours=1200)
    assert not oldest.is_mailable


def test_old_items_that_appear_later_are_archive_and_not_news(http_server: HttpServer) -> None:
    feed = served(http_server, dated(1, hours_ago=1))

    polled_again(http_server, feed, dated(1, hours_ago=1), dated(2, hours_ago=24 * 400), dated(3, hours_ago=0))

    assert mailable() == {"What happened in story 1", "What happened in story 3"}
    back_dated = Article.objects.get(title="What happened in story 2")
    assert (back_dated.is_mailable, back_dated.released_at) == (False, NOW - timedelta(days=400))


def test_feed_that_was_away_for_long_still_brings_news(http_server: HttpServer) -> None:
    feed = served(http_server, dated(1, hours_ago=1))
    later = NOW + timedelta(days=20)
    http_server.serve("/feed.xml", rss(item(2, pubDate=format_datetime(NOW + timedelta(days=10)))))

    poll(feed=feed, now=later)

    assert Article.objects.get(title="What happened in story 2").is_mailable


def test_what_is_weeks_old_is_no_news_not_even_of_a_new_feed(http_server: HttpServer) -> None:
    feed = served(http_server, dated(1, hours_ago=24 * 300), dated(2, hours_ago=24 * 13))
    assert mailable() == {"What happened in story 2"}

    http_server.serve("/feed.xml", rss(item(3, pubDate=format_datetime(NOW + timedelta(days=10)))))
    poll(feed=feed, now=NOW + timedelta(days=60))
    late = Article.objects.get(title="What happened in story 3")
    assert (late.is_mailable, late.status) == (False, Article.Status.PUBLISHED), "its feed was away for two months"


def test_burst_waits_in_review_but_for_the_newest(http_server: HttpServer) -> None:
    feed = served(http_server, item(0))
    burst = [item(number) for number in range(1, MOST_NEW_AT_ONCE + 41)]

    report = polled_again(http_server, feed, *burst, item(0))

    assert (report.new, report.held) == (MOST_NEW_AT_ONCE + 40, 40)
    held = Article.objects.filter(status=Article.Status.IN_REVIEW)
    assert held.count() == 40
    assert f"What happened in story {MOST_NEW_AT_ONCE + 40}" in set(held.values_list("title", flat=True))
    feed.refresh_from_db()
    assert "40 of them wait in review" in feed.warning


def test_relaunch_with_new_ids_and_addresses_brings_nothing_new(http_server: HttpServer) -> None:
    feed = served(http_server, *(dated(number, hours_ago=number) for number in range(1, 31)))
    moved = [
        dated(number, hours_ago=number, guid=f"new-{number}", link=f"https://new.example/{number}")
        for number in range(1, 31)
    ]

    assert counts(polled_again(http_server, feed, *moved)) == (0, 30, 0)
    assert Article.objects.filter(canonical_url__startswith="https://new.example/").count() == 30
    assert FeedEntry.objects.count() == Article.objects.count() == 30


def test_column_of_the_same_name_on_another_day_is_another_story(http_server: HttpServer) -> None:
    title = "Letters to the editor of this week"
    feed = served(http_server, dated(1, hours_ago=24 * 7, title=title))

    assert polled_again(http_server, feed, dated(2, hours_ago=0, title=title)).new == 1


def test_silence_is_judged_by_the_feed_s_own_rhythm(http_server: HttpServer) -> None:
    weekly = served(http_server, *(dated(number, hours_ago=168 * number) for number in range(8)), path="/weekly.xml")
    hourly = served(http_server, *(dated(10 + number, hours_ago=number) for number in range(8)), path="/hourly.xml")
    new = served(http_server, item(30), path="/new.xml")

    assert weekly.quiet_after == NOW + timedelta(days=14)
    assert hourly.quiet_after == NOW + timedelta(days=1)
    assert new.quiet_after is None, "nothing is known of it yet"
    assert list(type(weekly).objects.silent(NOW + timedelta(days=2))) == [hourly]


def test_dates_of_1970_and_of_the_future_do_not_move_the_archive(http_server: HttpServer) -> None:
    served(
        http_server,
        item(1, pubDate=format_datetime(datetime(1970, 1, 1, tzinfo=UTC))),
        item(2, pubDate=format_datetime(NOW + timedelta(days=500))),
    )

    assert {article.released_at.date() for article in Article.objects.all() if article.released_at} == {NOW.date()}
