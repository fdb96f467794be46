"""Threat 16: an answer that is small on the line and endless when unpacked, or that never ends at all."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from time import monotonic

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd

from articles.feeds.fetching import FetchError, Limits, fetch
from tests.servers.http import HttpServer, dripping, endless

pytestmark = pytest.mark.django_db
LIMITS = Limits(seconds=3, max_bytes=2_000_000)
ZEROS = b"<rss>" + b"0" * 50_000_000


def twice(data: bytes) -> bytes:
    return gzip.compress(gzip.compress(data))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress), ("deflate", zlib.compress), ("br", lambda data: brotli.compress(data, quality=2)),
        ("zstd", zstd.compress), ("gzip, gzip", twice),
    ],
)  # fmt: skip
def test_bomb_is_given_up_before_it_is_unpacked(
    http_server: HttpServer, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    bomb = pack(ZEROS)
    assert len(bomb) < len(ZEROS) / 100
    url = http_server.serve("/bomb.xml", bomb, headers={"Content-Encoding": encoding})

    with pytest.raises(FetchError, match=r"larger than|packed too tightly"):
        fetch(url, trusted_url=url, limits=LIMITS)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_small_answers_are_unpacked(http_server: HttpServer, encoding: str) -> None:
    pack = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstd.compress, "deflate": zlib.compress}[encoding]
    url = http_server.serve("/feed.xml", pack(b"<rss/>"), headers={"Content-Encoding": encoding})

    assert fetch(url, trusted_url=url, limits=LIMITS).body == b"<rss/>"


@pytest.mark.parametrize("encoding", ["compress", "gzip, lzma", "bogus"])
def test_packing_that_we_do_not_know_is_refused(http_server: HttpServer, encoding: str) -> None:
    url = http_server.serve("/feed.xml", b"x", headers={"Content-Encoding": encoding})

    with pytest.raises(FetchError, match="packed in a way"):
        fetch(url, trusted_url=url, limits=LIMITS)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstd.compress)]
)
def test_answer_that_is_packed_a_hundredfold_is_refused_below_the_limit_of_bytes(
    http_server: HttpServer, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    headers = {"Content-Encoding": encoding}
    bomb = http_server.serve("/bomb.xml", pack(ZEROS[:1_500_000]), headers=headers)
    small = http_server.serve("/small.xml", pack(ZEROS[:900_000]), headers=headers)

    with pytest.raises(FetchError, match="packed too tightly"):
        fetch(bomb, trusted_url=bomb, limits=LIMITS)
    assert len(fetch(small, trusted_url=small, limits=LIMITS).body) == 900_000


def test_endless_and_dripping_answers_end(http_server: HttpServer) -> None:
    stream = http_server.serve("/endless", endless(b"<item>"))
    drip = http_server.serve("/drip", dripping(b"x", seconds=0.05, stopping=http_server.stopping))
    started = monotonic()

    with pytest.raises(FetchError, match="larger than"):
        fetch(stream, trusted_url=stream, limits=LIMITS)
    with pytest.raises(FetchError, match="too long"):
        fetch(drip, trusted_url=drip, limits=Limits(seconds=0.5, max_bytes=1000))

    assert monotonic() - started < 5


def test_endless_redirects_end(http_server: HttpServer) -> None:
    url = http_server.redirect("/loop", "/loop")

    with pytest.raises(FetchError, match="circles"):
        fetch(url, trusted_url=url, limits=LIMITS)
    assert len(http_server.requests) == 6
