"""Documents that would keep a parser busy for minutes are refused or made flat before it sees them."""

from __future__ import annotations

from time import monotonic

import pytest

from articles.feeds.excess import MAX_ATTRIBUTES, MAX_CATEGORIES, MAX_ITEMS
from articles.feeds.parsing import ParseError, parse
from articles.flattening import HARMLESS_TAGS, flattened
from articles.sanitizing import clean_html, plain_text
from tests.articles.broken_feeds import SLOW_SECONDS, URL
from tests.articles.documents import item, rss

MANY = 60_000
EXCESSIVE = {
    "categories": rss(item(more="".join(f"<category>{n}</category>" for n in range(MAX_CATEGORIES + 1)))),
    "subjects": rss(item(more="".join(f"<dc:subject>{n}</dc:subject>" for n in range(MAX_CATEGORIES + 1)))),
    "attributes": b"<rss " + b" ".join(b"a%d = 'x'" % n for n in range(MAX_ATTRIBUTES + 1)) + b"/>",
    "items": b"<rss><channel>" + b"<item/>" * MAX_ITEMS + b"</channel></rss>",
}


@pytest.mark.parametrize("name", EXCESSIVE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_more_than_any_feed_needs_is_refused_in_words(name: str, encoding: str) -> None:
    document = EXCESSIVE[name].decode().encode(encoding)

    with pytest.raises(ParseError, match="more items, categories or attributes"):
        parse(document, url=URL)


def test_large_feed_is_read() -> None:
    many = "".join(f"<category>{n}</category>" for n in range(100))

    feed = parse(rss(*(item(n, more=many) for n in range(100))), url=URL)

    assert len(feed.items) == 100


@pytest.mark.parametrize(
    "opening", ["<div>", "<ul><li>", "<b>", "<i a={}>", "<table><tr><td>", "<font><p>", "<DIV</p>"]
)
def test_deep_text_is_cleaned_soon_and_keeps_its_words(opening: str) -> None:
    html = "".join(opening.format(n) for n in range(MANY)) + "the end"

    started = monotonic()
    cleaned, plain = clean_html(html), plain_text(html)

    assert "the end" in cleaned
    assert plain.endswith("the end")
    assert monotonic() - started < SLOW_SECONDS


def test_long_text_that_is_not_deep_stays_as_it_is() -> None:
    part = "<p>a <b>b</b><br><ul><li>c<li>d</ul><p><svg><path d='1'/><path d='2'/></svg><img src='a'>"
    html = part * HARMLESS_TAGS

    assert flattened(html) == html


def test_short_text_may_be_deep() -> None:
    html = "<div>" * HARMLESS_TAGS

    assert flattened(html) == html
