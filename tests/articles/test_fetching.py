"""Fetching from a real server, good and bad."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from time import monotonic

import pytest
from pytest_django import Settings

from articles.feeds import resolving
from articles.feeds.fetching import (
    MAX_REDIRECTS,
    MEGABYTE,
    FetchError,
    Limits,
    Validators,
    fetch,
    fetch_feed,
    pause_asked_for,
)
from articles.models import Publication
from tests.servers.http import HttpServer, Response, dripping, endless

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
QUICK = Limits(seconds=0.5, max_bytes=MEGABYTE)
NEW = Validators()

pytestmark = pytest.mark.django_db


def test_body_type_and_validators_come_back(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", b"<rss/>", etag='"1"', last_modified="Mon, 02 Nov 2026 06:00:00 GMT")

    fetched = fetch_feed(url, validators=NEW)

    assert (fetched.body, fetched.content_type, fetched.url) == (b"<rss/>", "application/xml", url)
    assert fetched.validators == Validators('"1"', "Mon, 02 Nov 2026 06:00:00 GMT")
    assert fetched.moved_to == ""


def test_server_learns_who_asks(http_server: HttpServer, settings: Settings) -> None:
    settings.SITE_NAME, settings.SITE_URL = "Hafenblättla\r\nX-Evil: 1", "https://hafen.example"
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]

    fetch_feed(http_server.serve("/feed.xml", b"<rss/>"), validators=NEW)

    (request,) = http_server.requests
    assert request.headers["User-Agent"] == "Broadsheet (HafenblttlaX-Evil: 1; +https://hafen.example)"
    assert request.headers["Host"] == f"127.0.0.1:{http_server.port}"
    assert request.headers["X-Evil"] is None


def test_unchanged_feed_is_not_sent_again(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", b"<rss/>", etag='"1"')

    fetched = fetch_feed(url, validators=Validators(etag='"1"'))

    assert not fetched.is_modified
    assert fetched.validators == Validators(etag='"1"')


def test_304_that_nobody_asked_for_is_an_error(http_server: HttpServer) -> None:
    with pytest.raises(FetchError, match="304"):
        fetch_feed(http_server.serve("/feed.xml", status=304), validators=NEW)


def test_gzip_is_unpacked(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", b"<rss>" + b" " * 100_000 + b"</rss>", is_gzipped=True)

    assert len(fetch_feed(url, validators=NEW).body) == 100_011


def test_damaged_gzip_is_an_error(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", b"no gzip", headers={"Content-Encoding": "gzip"})

    with pytest.raises(FetchError, match="damaged"):
        fetch_feed(url, validators=NEW)


def test_gzip_bomb_is_cut_off_before_it_fills_the_memory(http_server: HttpServer) -> None:
    bomb = gzip.compress(bytes(300 * MEGABYTE), compresslevel=1)
    url = http_server.serve("/feed.xml", bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()

    with pytest.raises(FetchError, match="packed too tightly"):
        fetch_feed(url, validators=NEW)

    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * MEGABYTE


def test_announced_size_is_refused_without_reading(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", b"x" * (50 * MEGABYTE))

    with pytest.raises(FetchError, match="larger than 10 MB"):
        fetch_feed(url, validators=NEW)


def test_endless_answer_is_cut_off(http_server: HttpServer) -> None:
    with pytest.raises(FetchError, match="larger than 10 MB"):
        fetch_feed(http_server.serve("/feed.xml", endless(b"<item>")), validators=NEW)


def test_slow_answer_is_given_up_in_time(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", b"<rss/>", delay=20)
    started = monotonic()

    with pytest.raises(FetchError, match="too long"):
        fetch(url, trusted_url=url, limits=QUICK)

    assert monotonic() - started < 5


def test_dripping_answer_is_given_up_in_time(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", dripping(b"<", seconds=0.05, stopping=http_server.stopping))
    started = monotonic()

    with pytest.raises(FetchError, match="too long"):
        fetch(url, trusted_url=url, limits=QUICK)

    assert monotonic() - started < 5


def test_name_server_that_never_answers_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_more: answers.wait(30) and [])
    started = monotonic()

    for _number in range(3):
        with pytest.raises(FetchError, match="too long"):
            fetch("http://slow.example/", trusted_url="", limits=Limits(seconds=0.2, max_bytes=1000))

    assert monotonic() - started < 4
    answers.set()


def test_hanging_name_servers_take_a_limited_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = threading.Event(), threading.Semaphore(0)
    monkeypatch.setattr(resolving, "_places", threading.BoundedSemaphore(2))

    def hang(*_asked: object, **_more: object) -> list[object]:
        asked.release()
        answers.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    for _number in range(4):
        with pytest.raises(TimeoutError):
            resolving.addresses_of("slow.example", 80, seconds=0.1)

    assert asked.acquire(timeout=5)
    assert asked.acquire(timeout=5)
    assert not asked.acquire(blocking=False), "a third was never begun"
    answers.set()


def test_publication_introduces_itself_by_the_name_set_at_the_desk(http_server: HttpServer) -> None:
    Publication.objects.create(pk=1, name="Hafenblatt")

    fetch_feed(http_server.serve("/feed.xml", b"<rss/>"), validators=NEW)

    assert http_server.requests[0].headers["User-Agent"].startswith("Broadsheet (Hafenblatt; +http")


def test_answer_that_breaks_off_is_an_error(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", b"<rss>" * 1000, cut_after=100)

    with pytest.raises(FetchError, match="broke the connection off"):
        fetch_feed(url, validators=NEW)


def test_refused_connection_is_an_error(http_server: HttpServer) -> None:
    http_server.stop()

    with pytest.raises(FetchError, match="refused the connection"):
        fetch_feed(http_server.url("/feed.xml"), validators=NEW)


@pytest.mark.parametrize("status", [204, 206, 400, 401, 403, 404, 418, 500, 502])
def test_status_other_than_200_is_an_error_that_says_so(http_server: HttpServer, status: int) -> None:
    with pytest.raises(FetchError, match=str(status)) as caught:
        fetch_feed(http_server.serve("/feed.xml", status=status), validators=NEW)

    assert not caught.value.is_gone


def test_410_is_gone(http_server: HttpServer) -> None:
    with pytest.raises(FetchError, match="410") as caught:
        fetch_feed(http_server.serve("/feed.xml", status=410), validators=NEW)

    assert caught.value.is_gone


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_handed_on(http_server: HttpServer, status: int) -> None:
    url = http_server.serve("/feed.xml", status=status, headers={"Retry-After": "120"})

    with pytest.raises(FetchError) as caught:
        fetch_feed(url, validators=NEW)

    assert caught.value.retry_after == "120"


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [
        ("120", timedelta(seconds=120)),
        ("Mon, 23 Nov 2026 07:00:00 GMT", timedelta(hours=1)),
        ("Mon, 23 Nov 2026 05:00:00 GMT", timedelta(0)),
        ("99999999999999999999", timedelta(days=1)),
        ("Fri, 01 Jan 2100 00:00:00 GMT", timedelta(days=1)),
        ("", timedelta(0)),
        ("-5", timedelta(0)),
        ("soon", timedelta(0)),
    ],
)
def test_retry_after_means_a_pause(retry_after: str, pause: timedelta) -> None:
    assert pause_asked_for(retry_after, now=NOW) == pause


def test_redirects_are_followed(http_server: HttpServer) -> None:
    http_server.serve("/new/feed.xml", b"<rss/>")
    http_server.redirect("/middle", "/new/feed.xml", status=302)

    fetched = fetch_feed(http_server.redirect("/feed.xml", "/middle", status=307), validators=NEW)

    assert (fetched.url, fetched.moved_to) == (http_server.url("/new/feed.xml"), "")


def test_permanent_redirect_is_reported_as_far_as_it_is_permanent(http_server: HttpServer) -> None:
    http_server.serve("/today.xml", b"<rss/>")
    http_server.redirect("/new.xml", "/today.xml", status=302)
    http_server.redirect("/middle.xml", "/new.xml", status=308)

    fetched = fetch_feed(http_server.redirect("/feed.xml", "/middle.xml", status=301), validators=NEW)

    assert fetched.moved_to == http_server.url("/new.xml")


def test_redirects_for_ever_end(http_server: HttpServer) -> None:
    with pytest.raises(FetchError, match="redirects"):
        fetch_feed(http_server.redirect("/feed.xml", "/feed.xml"), validators=NEW)

    assert len(http_server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://news.example/", "http://[::1/"])
def test_redirect_to_something_else_than_the_web_is_refused(http_server: HttpServer, target: str) -> None:
    with pytest.raises(FetchError):
        fetch_feed(http_server.redirect("/feed.xml", target), validators=NEW)

    assert len(http_server.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", "[::1]", "169.254.169.254", "10.0.0.1"])
def test_redirect_into_a_private_network_is_refused(http_server: HttpServer, host: str) -> None:
    with HttpServer() as inner:
        secret = inner.serve("/secret", b"<rss/>")
        target = secret.replace("127.0.0.1", host)

        with pytest.raises(FetchError, match="not allowed"):
            fetch_feed(http_server.redirect("/feed.xml", target), validators=NEW)

        assert inner.requests == []


def test_redirect_without_target_is_an_error(http_server: HttpServer) -> None:
    with pytest.raises(FetchError, match="without saying where"):
        fetch_feed(http_server.answer("/feed.xml", Response(status=302)), validators=NEW)


def test_proxy_of_the_environment_is_not_asked(http_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url("/"))

        fetch_feed(http_server.serve("/feed.xml", b"<rss/>"), validators=NEW)

        assert proxy.requests == []
