"""Threat 17: a document that keeps the parser busy or fills its memory costs one short-lived process."""

from __future__ import annotations

import resource
from contextlib import suppress
from time import monotonic

import pytest

from articles.feeds import parsing
from articles.feeds.parsing import ParseError, parse
from tests.articles.documents import item, rss

URL = "https://news.example/feed.xml"
HOSTILE = {
    "attributes": b"<rss version='2.0'><channel><item " + b" ".join(b"a%d='x'" % n for n in range(100_000)) + b"/>",
    "nesting": rss(item(description="<div>" * 100_000)),
    "nested elements": b"<rss version='2.0'><channel><item>" + b"<a>" * 200_000,
    "nested json": b'{"version": "https://jsonfeed.org/version/1.1", "items": ' + b"[" * 500_000,
    "huge number": b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": ' + b"9" * 500_000 + b"}]}",
    "entities": rss(item(title="&amp;" * 300_000)),
    "open tags": rss(item(description="<a href='" * 100_000)),
    "open brackets": b"<rss version='2.0'><channel><item><title>" + b"<" * 500_000,
    "comments": b"<!--" * 300_000,
    "long words": rss(item(title="a" * 2_000_000)),
    "many items": rss(*["<item><title>x</title></item>"] * 30_000),
    "namespaces": b"<rss " + b" ".join(b"xmlns:a%d='u%d'" % (n, n) for n in range(20_000)) + b"><channel/></rss>",
    "page": b"<html>" + b"<link rel='alternate' " * 60_000,
    "dates": rss(*(item(n, pubDate="1" * 5000) for n in range(100))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document_is_read_or_given_up_in_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "PARSE_SECONDS", 2)
    started, used = monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with suppress(ParseError):
        assert len(parse(HOSTILE[name], url=URL).items) <= parsing.MAX_ITEMS

    assert monotonic() - started < 9
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 300_000, "our own process takes little of it"
    assert len(parse(rss(item()), url=URL).items) == 1, "the next document is read as ever"
