"""A feed remembers how its polls went, and when it is asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from articles.feeds import polling, state
from articles.feeds.importing import PollOutcome, poll
from articles.models import Feed
from tests.articles.documents import item, rss
from tests.articles.polling import LATER, counts
from tests.factories import NOW, make_feed
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_feed_remembers_how_it_went(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item()), etag='"1"'), failure_count=3, last_error="x")

    poll(feed=feed, now=NOW)

    feed.refresh_from_db()
    assert (feed.title, feed.site_url, feed.etag) == ("Harbor Wire", http_server.url("/"), '"1"')
    assert feed.last_polled_at == feed.last_success_at == feed.last_new_at == NOW
    assert (feed.failure_count, feed.last_error) == (0, "")
    assert feed.next_poll_at == NOW + timedelta(minutes=15)


def test_unchanged_feed_is_not_parsed_again(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item()), etag='"1"'))
    poll(feed=feed, now=NOW)

    report = poll(feed=feed, now=LATER)

    assert report.outcome == PollOutcome.NOT_MODIFIED
    assert feed.last_success_at == LATER
    assert feed.last_new_at == NOW


@pytest.mark.parametrize(
    ("details", "error"),
    [
        ({"status": 500}, "status 500"),
        ({"body": b"<html><body>Not found</body></html>"}, "web page"),
        ({"body": b""}, "empty"),
        ({"body": b"x" * 50_000_000}, "larger than 10 MB"),
        ({"status": 302, "headers": {"Location": "/feed.xml"}}, "redirects"),
        ({"body": b"<rss>", "cut_after": 2}, "broke"),
    ],
)
def test_feed_that_fails_says_why_and_is_asked_again_later(
    http_server: HttpServer, details: dict[str, object], error: str
) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", **details))  # type: ignore[arg-type]

    report = poll(feed=feed, now=NOW)

    assert report.outcome == PollOutcome.FAILED
    assert error in report.error
    feed.refresh_from_db()
    assert (feed.failure_count, feed.last_error, feed.status) == (1, report.error, "active")
    assert feed.next_poll_at == NOW + timedelta(minutes=15)


def test_pause_doubles_with_every_failure_up_to_a_day() -> None:
    pauses = [state.pause_after(count, minutes=15) for count in (1, 2, 3, 7, 8, 1000)]

    assert [pause / timedelta(minutes=1) for pause in pauses] == [15, 30, 60, 960, 1440, 1440]
    assert state.pause_after(50, minutes=3000) == timedelta(minutes=3000)


def test_server_that_asks_for_a_pause_gets_it(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", status=429, headers={"Retry-After": "7200"}))

    poll(feed=feed, now=NOW)

    assert feed.next_poll_at == NOW + timedelta(hours=2)


def test_feed_that_is_gone_is_never_asked_again(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", status=410))

    report = poll(feed=feed, now=NOW)

    assert report.outcome == PollOutcome.GONE
    assert list(polling.poll_due(NOW + timedelta(days=30))) == []
    assert len(http_server.requests) == 1


def test_feed_that_moved_for_good_is_asked_at_its_new_address(http_server: HttpServer) -> None:
    http_server.serve("/new.xml", rss(item()))
    feed = make_feed(url=http_server.redirect("/old.xml", "/new.xml", status=301))

    poll(feed=feed, now=NOW)

    assert Feed.objects.get().url == http_server.url("/new.xml")
    assert counts(poll(feed=Feed.objects.get(), now=LATER)) == (0, 0, 1)


def test_feed_that_moved_to_where_another_one_is_stays(http_server: HttpServer) -> None:
    make_feed(url=http_server.serve("/new.xml", rss(item())))
    feed = make_feed(url=http_server.redirect("/old.xml", "/new.xml", status=301))

    report = poll(feed=feed, now=NOW)

    assert report.is_success
    assert Feed.objects.get(pk=feed.pk).url == http_server.url("/old.xml")


def test_feed_that_redirects_into_a_private_network_reaches_nobody(http_server: HttpServer) -> None:
    with HttpServer() as inner:
        feed = make_feed(url=http_server.redirect("/feed.xml", inner.serve("/admin", rss(item()))))

        report = poll(feed=feed, now=NOW)

        assert "not allowed" in report.error
        assert inner.requests == []


def test_due_feeds_are_polled_once_whoever_asks(http_server: HttpServer) -> None:
    due = make_feed(url=http_server.serve("/due.xml", rss(item(1))))
    make_feed(url=http_server.serve("/later.xml", rss(item(2))), next_poll_at=LATER)
    make_feed(url=http_server.serve("/paused.xml", rss(item(3))), status=Feed.Status.PAUSED)

    reports = [*polling.poll_due(NOW), *polling.poll_due(NOW)]

    assert [report.feed_id for report in reports] == [due.pk]
    assert [request.path for request in http_server.requests] == ["/due.xml"]


def test_of_two_workers_one_polls(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/due.xml", rss(item(1))))
    other = Feed.objects.get(pk=feed.pk)

    assert [feed.claim_poll(NOW), other.claim_poll(NOW)] == [True, False]


def test_feed_with_the_database_s_own_first_poll_can_be_claimed() -> None:
    feed = Feed.objects.get(pk=Feed.objects.create(url="http://127.0.0.1/x").pk)

    assert feed.claim_poll(feed.next_poll_at + timedelta(seconds=1))
