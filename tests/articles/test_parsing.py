"""Bytes become a feed, or a clear refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from time import monotonic

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from articles.feeds import extracting, parsing
from articles.feeds.parsing import (
    NamedFeed,
    ParsedFeed,
    ParsedItem,
    ParsedPicture,
    ParseError,
    declares_entities,
    parse,
)
from tests.articles.documents import item, rss

URL = "https://news.example/feeds/all.xml"
BILLION_LAUGHS = b"""<?xml version="1.0"?><!-- <rss> --><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><rss version="2.0"><channel>
<item><title>&lol2;</title></item></channel></rss>"""
EXTERNAL_ENTITY = b"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<rss version="2.0"><channel><item><title>&secret;</title></item></channel></rss>"""
ATOM = b"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://blatt.example/2026/">
<title type="text">Hafen &amp; Blatt</title><id>urn:feed</id><updated>2026-11-20T10:00:00Z</updated>
<link href="/"/><link rel="self" href="feed.xml"/>
<entry xml:base="november/"><id>urn:1</id><title type="text">Was &lt;b&gt; bedeutet</title>
<link rel="alternate" href="eins"/><published>2026-11-19T10:00:00+01:00</published>
<updated>2026-11-20T10:00:00Z</updated>
<author><name>Anna</name><email>anna@blatt.example</email></author><author><name>Ben</name></author>
<category term="sport" label="Sport"/><summary type="text">2 &lt; 3</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Ein <a href="zwei">Link</a></p></div></content>
</entry></feed>"""
RDF = b"""<?xml version="1.0" encoding="iso-8859-1"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://port.example/"><title>Caf\xe9 Port</title>
<link>https://port.example/</link></channel><item rdf:about="https://port.example/1"><title>D\xe9j\xe0 vu</title>
<link>https://port.example/1</link><description>Encore</description><dc:creator>Zo\xe9</dc:creator>
<dc:date>2026-11-19T10:00:00Z</dc:date></item></rdf:RDF>"""


def only_item(document: bytes) -> ParsedItem:
    (found,) = parse(document, url=URL).items
    return found


def test_rss_item_with_everything() -> None:
    document = rss(
        item(
            title="Tom &amp; the <i>ferry</i>",
            link="/1?a=1",
            guid="urn:1",
            description="<p>The <b>teaser</b>.</p>",
            pubDate="Mon, 23 Nov 2026 07:00:00 +0100",
            more='<content:encoded><![CDATA[<p onclick="x()">All of <a href="2">it</a>.</p>]]></content:encoded>'
            "<dc:creator>Jane Doe</dc:creator><author>john@news.example (John)</author>"
            "<category>News</category><category>Harbor</category>",
        ),
        head="<language>en-US</language>",
    )

    assert parse(document, url=URL) == ParsedFeed(
        title="Harbor Wire",
        site_url="https://news.example/",
        language="en-US",
        items=(
            ParsedItem(
                guid="urn:1",
                link="https://news.example/1?a=1",
                title="Tom & the ferry",
                summary="The teaser.",
                teaser_html="<p>The <b>teaser</b>.</p>",
                body_html='<p>All of <a href="https://news.example/feeds/2" rel="noopener nofollow">it</a>.</p>',
                authors=("Jane Doe", "John"),
                categories=("News", "Harbor"),
                published_at=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
                updated_at=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
                language="en-US",
            ),
        ),
    )


def test_atom_entry_with_xhtml_and_xml_base() -> None:
    feed = parse(ATOM, url=URL)

    assert (feed.title, feed.site_url, feed.language) == ("Hafen & Blatt", "https://blatt.example/", "de")
    (entry,) = feed.items
    assert (entry.guid, entry.title, entry.summary) == ("urn:1", "Was <b> bedeutet", "2 < 3")
    assert entry.link == "https://blatt.example/2026/november/eins"
    assert 'href="https://blatt.example/2026/november/zwei"' in entry.body_html
    assert (entry.authors, entry.categories) == (("Anna", "Ben"), ("Sport",))
    assert entry.published_at == datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_rdf_in_latin_1() -> None:
    feed = parse(RDF, url=URL)

    assert feed.title == "Café Port"
    assert feed.items[0].title == "Déjà vu"
    assert feed.items[0].authors == ("Zoé",)
    assert feed.items[0].published_at == datetime(2026, 11, 19, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252", "iso-8859-15"])
def test_encodings(encoding: str) -> None:
    text = rss(item(title="Fähre – über den Fluß" if encoding != "iso-8859-15" else "Fähre über den Fluß")).decode()
    document = text.replace("utf-8", encoding.removesuffix("-sig"), 1).encode(encoding)

    assert only_item(document).title.endswith("über den Fluß")


def test_encoding_of_the_header_counts_if_the_document_has_none() -> None:
    document = rss(item(title="Fähre")).decode().partition("?>")[2].encode("iso-8859-1")

    feed = parse(document, url=URL, content_type="application/rss+xml; charset=iso-8859-1")

    assert feed.items[0].title == "Fähre"


MEDIA = '<media:content url="https://cdn.example/{}.jpg" medium="image" width="{}"/>'

MEDIA_GROUP = (
    f"<media:group>{MEDIA.format('small', 100)}{MEDIA.format('large', 900)}</media:group>"
    "<media:credit>Ann Lee</media:credit><media:text>A ferry</media:text>"
)


@pytest.mark.parametrize(
    ("more", "description", "picture"),
    [
        (
            MEDIA_GROUP,
            "x",
            ParsedPicture("https://cdn.example/large.jpg", "A ferry", "Ann Lee"),
        ),
        ('<media:thumbnail url="t.jpg"/>', "x", ParsedPicture("https://news.example/feeds/t.jpg")),
        ('<enclosure url="/e.png" type="image/png" length="1"/>', "x", ParsedPicture("https://news.example/e.png")),
        ("", 'x<img src="/i.jpg" alt="In the text">', ParsedPicture("https://news.example/i.jpg", "In the text")),
        ('<enclosure url="/e.mp3" type="audio/mpeg" length="1"/>', "x", None),
        ('<enclosure url="/e.svg" type="image/svg+xml" length="1"/>', "x", None),
        ('<media:content url="javascript:alert(1)" medium="image"/>', "x", None),
        ("", '<img src="/pixel.gif" width="1" height="1">x', None),
    ],
)  # fmt: skip
def test_picture(more: str, description: str, picture: ParsedPicture | None) -> None:
    assert only_item(rss(item(description=description, more=more))).picture == picture


def test_picture_that_stands_for_the_article_is_not_repeated_in_its_text() -> None:
    found = only_item(rss(item(description='<p><img src="/i.jpg"></p><p>Text</p><img src="/j.jpg">')))

    assert found.body_html == '<p>Text</p><img src="https://news.example/j.jpg">'


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 99 Foo 2026", "0"])
def test_missing_or_impossible_date_is_none(date: str | None) -> None:
    assert only_item(rss(item(pubDate=date))).published_at is None


def test_item_without_title_is_named_by_its_text() -> None:
    long = "The ferry to the island does not run today because of the thick fog over the whole bay, says the harbor."

    assert only_item(rss(item(title=None, description=long))).title.startswith("The ferry to the island does not run")
    assert len(only_item(rss(item(title=None, description=long))).title) <= 80


def test_permalink_guid_serves_as_the_link() -> None:
    found = only_item(rss(item(link=None, guid="https://news.example/perma")))

    assert (found.guid, found.link) == ("https://news.example/perma", "https://news.example/perma")


def test_long_summary_ends_with_a_sentence_or_an_ellipsis() -> None:
    sentences, words = "This is a sentence. " * 50, "word " * 200

    assert only_item(rss(item(description=sentences))).summary.endswith("a sentence.")
    assert only_item(rss(item(description=words))).summary.endswith("word…")
    assert len(only_item(rss(item(description=words))).summary) <= 400


def test_hostile_texts_come_out_clean() -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    found = only_item(
        rss(item(title=f"A{attack}B", description=f"C{attack}", more=f"<category><![CDATA[{attack}]]></category>"))
    )

    assert (found.title, found.summary, found.categories) == ("AB", "C", ())
    assert "script" not in found.body_html
    assert "onerror" not in found.body_html


def test_link_that_is_no_web_address_is_dropped() -> None:
    assert only_item(rss(item(link="javascript:alert(1)"))).link == ""


def test_item_that_makes_no_sense_does_not_spoil_the_others() -> None:
    broken = '<item xml:base="http://[/"><title>x</title><link>/x</link></item>'

    assert [found.guid for found in parse(rss(item(1), item(2), broken), url=URL).items] == ["id-1", "id-2", ""]


def test_id_does_not_depend_on_where_the_feed_lies() -> None:
    document = rss(item(guid="4711", link=None))

    here, there = parse(document, url=URL).items[0], parse(document, url="https://other.example/x").items[0]

    assert (here.guid, here.link) == (there.guid, there.link) == ("4711", "")


def test_number_of_items_is_limited() -> None:
    assert len(parse(rss(*map(item, range(600))), url=URL).items) == parsing.MAX_ITEMS


def test_feed_without_items_is_a_feed() -> None:
    assert parse(rss(), url=URL).items == ()


def test_truncated_feed_gives_what_is_there() -> None:
    document = rss(item(1), item(2))

    assert parse(document[:-60], url=URL).items[0].guid == "id-1"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"<!DOCTYPE html><html><head><title>x</title></head><body><p>Not found</body></html>", "web page"),
        (b'{"name": "settings", "items": []}', "JSON"),
        (b"just words", "not XML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100, "not XML"),
        (b'<?xml version="1.0"?><opml version="2.0"><body/></opml>', "not an RSS"),
        (BILLION_LAUGHS, "entities"),
        (BILLION_LAUGHS.decode().encode("utf-16"), "entities"),
        (EXTERNAL_ENTITY, "entities"),
    ],
)
def test_what_is_no_feed_is_refused_in_words(document: bytes, sentence: str) -> None:
    with pytest.raises(ParseError, match=sentence):
        parse(document, url=URL)


def test_old_doctypes_are_not_refused() -> None:
    netscape = b'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd"><rss/>'
    latin = b'<!DOCTYPE rdf:RDF [<!ENTITY % HTMLlat1 PUBLIC "-//W3C" "x.ent"> %HTMLlat1;]><rdf:RDF/>'
    about_xml = rss(item(description="How to write <!DOCTYPE x [<!ENTITY y 'z'>]>"))

    assert not any(map(declares_entities, (netscape, latin, about_xml)))


def test_document_that_keeps_the_parser_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "PARSE_SECONDS", 1)
    authors = "<dc:creator>A</dc:creator>" * 100_000
    started = monotonic()

    with pytest.raises(ParseError, match="too long"):
        parse(rss(item(more=authors)), url=URL)

    assert monotonic() - started < 10


def test_document_that_fills_the_memory_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "PARSE_MEGABYTES", 64)

    with pytest.raises(ParseError, match="broken"):
        parse(rss(*(item(number, description="x" * 100_000) for number in range(400))), url=URL)


@settings(max_examples=30)
@given(st.binary(max_size=200))
@example(b"<rss><channel><item><link>http://[</link></item></channel></rss>")
def test_any_bytes_in_an_item_give_clean_values_or_none(noise: bytes) -> None:
    document = rss(item("NOISE", pubDate="NOISE", author="NOISE", category="NOISE")).replace(b"NOISE", noise)

    result = extracting.extract(document, url=URL)

    for found in result.get("items", ()):
        assert len(found["title"]) <= 300
        assert found["link"] == "" or found["link"].startswith(("http://", "https://"))
        assert "\x00" not in str(found)


def test_json_feed_item_with_everything() -> None:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbor Wire",
        "home_page_url": "/",
        "language": "de",
        "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
        "items": [
            {
                "id": 7,
                "url": "/7",
                "title": "Fish & <chips>",
                "content_html": "<p>Long <script>x()</script>text.</p>",
                "summary": "Short.",
                "date_published": "2026-11-02T07:00:00+01:00",
                "authors": [{"name": "Ada Example"}, {"name": "Ben Example"}],
                "tags": ["Harbor", None, 3],
                "image": "/7.jpg",
            },
            "no item",
        ],
    }

    feed = parse(json.dumps(document).encode(), url=URL, content_type="application/feed+json")

    assert (feed.title, feed.language, feed.hub_url) == ("Harbor Wire", "de", "https://hub.example/")
    (item,) = feed.items
    assert (item.guid, item.link) == ("7", "https://news.example/7")
    assert (item.title, item.summary) == ("Fish & <chips>", "Short.")
    assert "script" not in item.body_html
    assert "Long" in item.body_html
    assert item.authors == ("Ada Example", "Ben Example")
    assert item.categories == ("Harbor", "3")
    assert item.published_at == datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
    assert item.picture == ParsedPicture("https://news.example/7.jpg")


def test_web_page_is_no_feed_but_names_some() -> None:
    page = b"""<!doctype html><html><head><base href="/blog/"><title>Blog</title>
        <link rel="alternate" type="application/rss+xml" title="All news" href="feed">
        <link rel="alternate" hreflang="de" href="/de"><link rel=stylesheet type="text/css" href="a.css">
        <link rel="ALTERNATE nofollow" type="application/feed+json; charset=utf-8" href="https://news.example/feed.json">
        </head></html>"""

    with pytest.raises(ParseError) as caught:
        parse(page, url=URL)

    assert caught.value.named_feeds == (
        NamedFeed("https://news.example/blog/feed", "All news"),
        NamedFeed("https://news.example/feed.json"),
    )


def test_reader_that_died_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    document = rss(item())
    with monkeypatch.context() as context:
        context.setattr(parsing, "PARSE_MEGABYTES", 1)  # too little to start with
        with pytest.raises(ParseError):
            parse(document, url=URL)

    assert len(parse(document, url=URL).items) == 1
    assert len(parse(document, url=URL).items) == 1
