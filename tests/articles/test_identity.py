"""When two items are the same story."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.feeds.identity import canonical_url, identity_of, is_telling, title_key, url_variants

PATHS = st.text(st.sampled_from("abcÄ/-._~%20"), max_size=20)
QUERIES = st.lists(
    st.sampled_from(["id=1", "utm_source=rss", "page=2", "fbclid=x", "q", "a=b%26c", "UTM_Medium=x"]), max_size=5
)
URLS = st.builds(
    "{}://{}{}/{}?{}#{}".format,
    st.sampled_from(["http", "https", "HTTP"]), st.sampled_from(["news.example", "NEWS.Example", "www.news.example"]),
    st.sampled_from(["", ":80", ":443", ":8080"]), PATHS, QUERIES.map("&".join), st.sampled_from(["", "part", "!page"]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://News.Example:443/Story?utm_source=rss&utm_medium=feed#comments", "https://news.example/Story"),
        ("http://news.example:80", "http://news.example/"),
        ("http://news.example:8080/a", "http://news.example:8080/a"),
        ("https://news.example/a?b=2&fbclid=xyz&a=1", "https://news.example/a?b=2&a=1"),
        ("https://news.example/a?id=7&amp;x", "https://news.example/a?id=7&amp;x"),
        ("https://news.example/a/", "https://news.example/a/"),
        ("https://news.example/#!/story/7", "https://news.example/#!/story/7"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        ("https://news.example/?gclid=1", "https://news.example/"),
        ("ftp://news.example/a", ""),
        ("tag:news.example,2026:1", ""),
        ("https://[broken/a", ""),
        ("https://news.example:port/a", ""),
        ("https://news.example/" + "a" * 1000, ""),
        ("", ""),
    ],
)
def test_canonical_address(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@given(URLS)
def test_canonical_address_of_a_canonical_address_is_the_same(url: str) -> None:
    canonical = canonical_url(url)

    assert canonical
    assert canonical_url(canonical) == canonical


@given(URLS, st.sampled_from(["utm_campaign=x", "fbclid=abc", "mc_eid=1"]))
def test_tracking_never_makes_another_address(url: str, tracking: str) -> None:
    address, mark, fragment = url.partition("#")

    assert canonical_url(f"{address}&{tracking}{mark}{fragment}") == canonical_url(url)


@given(st.text())
def test_anything_has_a_canonical_address_or_none(text: str) -> None:
    assert len(canonical_url(text)) <= 1000
    assert canonical_url(canonical_url(text)) == canonical_url(text)


@given(URLS)
def test_variants_of_an_address_have_the_same_variants(url: str) -> None:
    variants = url_variants(canonical_url(url))

    assert canonical_url(url) in variants
    assert all(set(url_variants(variant)) & set(variants) for variant in variants)


def test_slash_and_scheme_make_variants_but_the_host_does_not() -> None:
    assert url_variants("https://news.example/a?id=1") == [
        "http://news.example/a/?id=1", "http://news.example/a?id=1",
        "https://news.example/a/?id=1", "https://news.example/a?id=1",
    ]  # fmt: skip


@given(st.text(max_size=100))
def test_title_key_ignores_case_marks_and_spaces(title: str) -> None:
    key = title_key(title)

    assert title_key(f" “{title}”! ") == key
    assert title_key(unicodedata.normalize("NFD", title)) == key
    assert title_key(key) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ferry stops – again!", "FERRY STOPS: AGAIN"),
        ("Straße am Fluß", "STRASSE AM FLUSS"),
        ("Café", "Cafe\u0301"),
        ("Ｈａｒｂｏｒ", "Harbor"),
    ],
)
def test_same_words_make_the_same_title_key(one: str, other: str) -> None:
    assert title_key(one) == title_key(other) != ""


def test_short_title_tells_nothing() -> None:
    assert not is_telling(title_key("Weather"))
    assert is_telling(title_key("Ferry to the island stops"))
    assert is_telling(title_key("港口渡轮停运"))


def test_id_comes_before_link_and_link_before_title() -> None:
    by_id = identity_of(guid=" 1 ", link="https://a.example/1", title="One")
    by_link = identity_of(guid="", link="https://a.example/1?utm_source=x", title="One")
    by_title = identity_of(guid="", link="", title="One")

    assert by_id == identity_of(guid="1", link="https://a.example/2", title="Two")
    assert by_link == identity_of(guid="", link="https://a.example/1", title="Two")
    assert by_title == identity_of(guid="", link="", title="one!")
    assert len({by_id, by_link, by_title}) == 3
    with pytest.raises(ValueError, match="identity"):
        identity_of(guid=" ", link="", title="!")
