"""Many feeds at a time: quick ones never wait for slow ones, and no server is asked two things at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from time import monotonic

import pytest
from pytest_django import Settings

from articles.feeds import hosts, importing, polling
from articles.feeds.importing import PollOutcome
from articles.models import Article, Feed, FeedHost
from tests.articles.documents import item, rss
from tests.factories import NOW, make_feed
from tests.servers.http import HttpServer, Request, Response

pytestmark = pytest.mark.django_db


@contextmanager
def servers(count: int) -> Iterator[list[HttpServer]]:
    running = [HttpServer().start() for _number in range(count)]
    try:
        yield running
    finally:
        for server in running:
            server.stop()


def test_slow_servers_delay_no_other(settings: Settings) -> None:
    settings.FEED_TIMEOUT_SECONDS = 2
    with servers(6) as (*slow, quick):
        for server in slow:
            make_feed(url=server.serve("/slow.xml", rss(item()), delay=30), next_poll_at=NOW - timedelta(hours=1))
        make_feed(url=quick.serve("/feed.xml", rss(item(title="Quick news about the harbor"))))
        started = monotonic()

        reports = [(report.outcome, monotonic() - started) for report in polling.poll_due(NOW)]

    assert [outcome for outcome, _at in reports] == [PollOutcome.IMPORTED, *[PollOutcome.FAILED] * 5]
    assert reports[0][1] < 1.5
    assert reports[-1][1] < 4, "the slow ones were waited for at the same time"


def test_one_server_is_asked_one_thing_at_a_time(http_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "PAUSE", timedelta(seconds=0.1))
    lock, begun = threading.Lock(), []

    def alone(request: Request) -> Response:
        assert lock.acquire(blocking=False), "a second request at the same time"
        begun.append(monotonic())
        http_server.stopping.wait(0.05)
        lock.release()
        return Response(rss(item(request.path)))

    for number in range(4):
        make_feed(url=http_server.answer(f"/{number}.xml", alone))

    assert [report.outcome for report in polling.poll_due(NOW)] == [PollOutcome.IMPORTED] * 4
    assert min(later - earlier for earlier, later in pairwise(begun)) > 0.1


def test_server_that_another_worker_talks_to_is_left_alone(
    http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SWEEP_SECONDS", 0.5)
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item())))
    FeedHost.objects.create(name=hosts.host_of(feed.url), free_at=NOW + timedelta(minutes=1))

    assert list(polling.poll_due(NOW)) == []
    feed.refresh_from_db()
    assert (http_server.requests, feed.next_poll_at) == ([], NOW), "it stays due"


def test_of_two_sweeps_one_works(http_server: HttpServer) -> None:
    for number in range(2):
        make_feed(url=http_server.serve(f"/{number}.xml", rss(item(number))))
    first = polling.poll_due(NOW)

    assert next(first).new == 1
    assert list(polling.poll_due(NOW)) == []
    assert [report.new for report in first] == [1]


def test_pause_that_a_server_asks_for_holds_for_all_its_feeds(
    http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SWEEP_SECONDS", 1.5)
    http_server.answer("/0.xml", Response(status=429, headers={"Retry-After": "600"}))
    http_server.serve("/1.xml", rss(item()))
    for number in range(2):
        make_feed(url=http_server.url(f"/{number}.xml"), next_poll_at=NOW - timedelta(hours=2 - number))

    assert [report.outcome for report in polling.poll_due(NOW)] == [PollOutcome.FAILED]
    assert [request.path for request in http_server.requests] == ["/0.xml"]
    assert FeedHost.objects.get(name=hosts.host_of(http_server.url("/"))).free_at > NOW + timedelta(minutes=9)


def test_feed_that_breaks_our_import_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    take = importing.take

    def breaking(feed: Feed, *arguments: object) -> object:
        if feed.title == "Breaking":
            raise ZeroDivisionError
        return take(feed, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "take", breaking)
    with servers(2) as (one, other):
        make_feed(url=one.serve("/feed.xml", rss(item(1))), title="Breaking", next_poll_at=NOW - timedelta(hours=1))
        make_feed(url=other.serve("/feed.xml", rss(item(2))))

        outcomes = {report.outcome for report in polling.poll_due(NOW)}

    assert outcomes == {PollOutcome.FAILED, PollOutcome.IMPORTED}
    broken = Feed.objects.get(title="Breaking")
    assert (broken.failure_count, Article.objects.count()) == (1, 1)
    assert "fault of ours" in broken.last_error


def test_same_document_without_validators_is_not_read_again(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item())))

    assert [report.outcome for report in polling.poll_due(NOW)] == [PollOutcome.IMPORTED]
    Feed.objects.filter(pk=feed.pk).update(next_poll_at=NOW + timedelta(hours=1))
    assert [report.outcome for report in polling.poll_due(NOW + timedelta(hours=1))] == [PollOutcome.NOT_MODIFIED]
    assert len(http_server.requests) == 2
