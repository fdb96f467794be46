"""The tests' own HTTP server does what the tests ask of it."""

from __future__ import annotations

import gzip

import pytest
import urllib3

from tests.servers.http import HttpServer, Request, Response, endless


@pytest.fixture
def client() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=5, retries=False)


def test_body_headers_and_request_log(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    url = http_server.serve("/feed.xml", b"<rss/>", headers={"X-Day": "Monday"})

    response = client.request("GET", url + "?page=2", headers={"User-Agent": "reader"})

    assert (response.status, response.data, response.headers["X-Day"]) == (200, b"<rss/>", "Monday")
    (request,) = http_server.requests
    assert (request.method, request.path, request.headers["user-agent"]) == ("GET", "/feed.xml?page=2", "reader")


def test_unknown_path_is_404(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    assert client.request("GET", http_server.url("/nowhere")).status == 404


def test_etag_and_date_are_answered_with_304(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    date = "Mon, 02 Nov 2026 06:00:00 GMT"
    url = http_server.serve("/feed.xml", b"<rss/>", etag='"1"', last_modified=date)

    by_etag = client.request("GET", url, headers={"If-None-Match": '"1"'})
    by_date = client.request("GET", url, headers={"If-Modified-Since": date})
    changed = client.request("GET", url, headers={"If-None-Match": '"0"'})

    assert [by_etag.status, by_date.status, changed.status] == [304, 304, 200]


def test_answers_come_in_turn_and_the_last_one_stays(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    url = http_server.answer("/feed.xml", Response(status=500), Response(b"<rss/>"))

    statuses = [client.request("GET", url).status for _ in range(3)]

    assert statuses == [500, 200, 200]


def test_callable_answer_sees_the_request(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    def echo(request: Request) -> Response:
        return Response(request.body)

    url = http_server.answer("/echo", echo)

    assert client.request("POST", url, body=b"ping").data == b"ping"


def test_redirect_loop(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    url = http_server.redirect("/loop", "/loop")

    with pytest.raises(urllib3.exceptions.MaxRetryError, match="too many redirects"):
        client.request("GET", url, retries=urllib3.Retry(redirect=3))

    assert len(http_server.requests) == 4


def test_gzipped_body(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    url = http_server.serve("/feed.xml", b"<rss/>", is_gzipped=True)

    response = client.request("GET", url, decode_content=False)

    assert gzip.decompress(response.data) == b"<rss/>"


def test_endless_body_ends_with_the_client(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    url = http_server.serve("/bomb.xml", endless(b"<item>"))

    response = client.request("GET", url, preload_content=False)
    beginning = response.read(1_000_000)
    response.close()

    assert len(beginning) == 1_000_000


def test_cut_connection(http_server: HttpServer, client: urllib3.PoolManager) -> None:
    url = http_server.serve("/feed.xml", b"<rss>" + b" " * 1000, cut_after=100)

    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.request("GET", url)
