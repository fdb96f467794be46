"""The same story is one article, however it comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from articles.feeds.importing import PollReport, poll
from articles.models import Article, Feed, FeedEntry
from tests.articles.documents import item, rss
from tests.articles.polling import LATER, counts, polled_again, served
from tests.factories import NOW, make_article, make_feed, make_topic
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_feed_that_changes_all_its_ids_brings_nothing_new(http_server: HttpServer) -> None:
    feed = served(http_server, *map(item, range(5)))

    report = polled_again(http_server, feed, *(item(number, guid=f"new-{number}") for number in range(5)))

    assert counts(report) == (0, 0, 5)
    assert Article.objects.count() == FeedEntry.objects.count() == 5


def test_item_with_another_id_still_updates_its_article(http_server: HttpServer) -> None:
    feed = served(http_server, item())

    polled_again(http_server, feed, item(guid="other", title="Corrected"))

    assert Article.objects.get().title == "Corrected"


@pytest.mark.parametrize(
    "link", ["http://news.example/1", "https://news.example/1/", "https://NEWS.example/1?fbclid=x#top"]
)
def test_same_address_is_the_same_story(http_server: HttpServer, link: str) -> None:
    served(http_server, item())
    other = served(http_server, item(guid="other", title="Another headline", link=link), path="/other.xml")

    article = Article.objects.get()
    assert {entry.feed_id for entry in article.entries.all()} >= {other.pk}
    assert article.entries.count() == 2


def test_same_title_in_another_feed_is_the_same_story(http_server: HttpServer) -> None:
    topic = make_topic()
    served(http_server, item(title="Ferry to the island stops", link="https://one.example/a"))
    other = make_feed(
        url=http_server.serve("/o.xml", rss(item(title="FERRY to the island stops!", link="https://two.example/b")))
    )
    other.topics.add(topic)

    report = poll(feed=other, now=NOW + timedelta(days=2))

    assert counts(report) == (0, 0, 1)
    article = Article.objects.get()
    assert article.entries.count() == 2
    assert topic in article.topics.all()


@pytest.mark.parametrize(
    ("title", "days"), [("Ferry to the island stops", 4), ("Weather", 0), ("Ferry to the island runs", 0)]
)
def test_same_title_later_or_a_title_that_says_little_is_another_story(
    http_server: HttpServer, title: str, days: int
) -> None:
    first_title = title if title != "Ferry to the island runs" else "Ferry to the island stops"
    served(http_server, item(title=first_title, link="https://one.example/a"))
    other = make_feed(url=http_server.serve("/o.xml", rss(item(title=title, link="https://two.example/b"))))

    poll(feed=other, now=NOW + timedelta(days=days))

    assert Article.objects.count() == 2


def test_same_title_within_a_feed_is_another_story(http_server: HttpServer) -> None:
    served(http_server, item(1, title="The harbor this evening"), item(2, title="The harbor this evening"))

    assert Article.objects.count() == 2


def test_feed_that_repeats_a_story_does_not_change_it(http_server: HttpServer) -> None:
    served(http_server, item())
    other = served(http_server, item(guid="other"), path="/other.xml")

    report = polled_again(http_server, other, item(guid="other", description="Another text."), path="/other.xml")

    assert counts(report) == (0, 0, 1)
    assert Article.objects.get().summary == "The summary of story 1."


def test_feed_does_not_change_an_article_that_an_editor_wrote(http_server: HttpServer) -> None:
    make_article(title="What happened in story 1", canonical_url="https://news.example/1")
    feed = served(http_server, item())

    polled_again(http_server, feed, item(title="The feed's headline"))

    assert Article.objects.get().title == "What happened in story 1"


def test_item_that_is_in_the_document_twice_is_imported_once(http_server: HttpServer) -> None:
    feed = served(http_server, item(1), item(1), item(1, guid="copy"))

    assert Article.objects.count() == 1
    assert counts(poll(feed=feed, now=LATER)) == (0, 0, 2)


def test_items_that_all_link_to_the_front_page_are_different_stories(http_server: HttpServer) -> None:
    served(http_server, *(item(number, link="https://news.example/") for number in range(3)))

    assert Article.objects.filter(canonical_url="").count() == 3


def test_items_without_ids_and_dates_are_imported_once(http_server: HttpServer) -> None:
    feed = served(http_server, item(1, guid=None), item(2, guid=None, link=None), item(3, guid=None, title=None))

    assert counts(poll(feed=feed, now=LATER)) == (0, 0, 3)


def test_workers_that_bring_the_same_stories_at_once_make_each_of_them_once(http_server: HttpServer) -> None:
    document = rss(*map(item, range(20)))
    feeds = [make_feed(url=http_server.serve(f"/{number}.xml", document)) for number in range(3)]

    with ThreadPoolExecutor(len(feeds)) as workers:
        reports = list(workers.map(poll_in_a_worker, feeds))

    assert sum(report.new for report in reports) == Article.objects.count() == 20
    assert FeedEntry.objects.count() == 60
    assert not any(report.refused for report in reports)


def poll_in_a_worker(feed: Feed) -> PollReport:
    try:
        return poll(feed=feed, now=NOW)
    finally:
        connection.close()
