"""Feeds that are broken on purpose: a few whole ones of every format, and what chance makes of them.

    python -m tests.articles.broken_feeds --minutes 5 [--seed 1]

reads the hostile ones, then mutations of all for that long, and tells of each that was slow or came out wrong. Ends
with status 1 if one came out wrong or took longer than a reader may.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic

from articles.feeds.parsing import PARSE_SECONDS, ParsedFeed, ParseError, parse
from tests.articles.documents import item, rss

URL = "https://news.example/feeds/all.xml"
SLOW_SECONDS = 5.0
SCRIPT = re.compile(r"""<script|=["']?\s*javascript:|\son[a-z]+\s*=["']""", re.IGNORECASE)
_TEXT = "Größe &amp; Maß 日本 &lt;b&gt;fett&lt;/b&gt; &#x1F6A2; &nbsp; 50 % off"
SEEDS = (
    rss(item(1, description=f"<p>{_TEXT}</p>"), item(2, more="<dc:creator>A</dc:creator><media:content url='a.jpg'/>")),
    (b'<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "rss-0.91.dtd">'
    b'<rss version="0.91"><channel><title>Old</title><item><title>One</title><link>/1</link></item></channel></rss>'),
    (b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel '
    b'rdf:about="/"><title>R</title></channel><item rdf:about="/1"><title>Une</title><link>/1</link></item></rdf:RDF>'),
    f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/a/"><title>A</title><entry><id>1</id><title type="html">'
    f'{_TEXT}</title><link href="1"/><updated>2026-11-20T10:00:00Z</updated><content type="xhtml"><div '
    f'xmlns="http://www.w3.org/1999/xhtml"><p>Text <img src="b.png"/></p></div></content></entry></feed>'.encode(),
    (b'<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Three</title><entry><title>T</title><link '
    b'rel="alternate" href="/3"/><issued>2004-01-01T00:00:00Z</issued><content mode="escaped">&lt;p&gt;x</content>'
    b"</entry></feed>"),
    json.dumps({
        "version": "https://jsonfeed.org/version/1.1", "title": "J",
        "items": [{"id": "1", "url": "/1", "content_html": "<p>x</p>", "date_published": "2026-11-20T10:00:00Z"}],
    }).encode(),
    b'<html><head><link rel="alternate" type="application/rss+xml" href="/feed"><title>Page</title></head></html>',
)  # fmt: skip
PIECES = (
    b"<", b">", b"&", b'"', b"'", b"\0", b"\xff", b"\xfe", b"\xef\xbb\xbf", b"]]>", b"<![CDATA[", b"<!--", b"-->",
    b"<!DOCTYPE x [", b"&#0;", b"&#xD800;", b"&#x110000;", b"&bogus;", b"<item>", b"</item>", b"<p><b>", b"<?",
    b"http://[::1", b"javascript:x", b"9" * 400, b"-99999999999999999999", b"<a href='" + b"x" * 3000, b" a=b" * 200,
    b"<div>" * 300, b'{"items":', b"[" * 300, b"\xed\xa0\x80", b"Mon, 99 Foo 9999 99:99:99 +9999", b"encoding='utf-7'",
    b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0' encoding='nonsense'?>", b"xml:base='http://['",
)  # fmt: skip


# Dates as feeds write them, and as nobody should.
DATES = (
    "Sun, 22 Nov 2026 10:00:00 GMT", "22 Nov 26 10:00 EST", "2026-11-22", "2026-11-22T10:00:00.123456789+25:99",
    "20261122", "2026-W47-7", "2026-326", "-0001-01-01T00:00:00Z", "0000-00-00 00:00:00", "9999-12-31T23:59:60Z",
    "Thu, 01 Jan 1970 00:00:00 +0000", "1e309", "1795341600", "yesterday", "30 Feb 2026 25:61:61", "١٢/٣/٢٠٢٦",
    "2026년 11월 22일", "日 22 11 2026", "Sun Nov 22 10:00:00 2026", "Dim, 22 nov. 2026 10:00:00",
    "22.11.2026", "\u202e2026",
    "9" * 400, "T", "--", "2026-11-22T24:00:00Z", "Sun, 22 Nov 2026 10:00:00 (" * 200,
)  # fmt: skip
DATED = rss(*(item(number, pubDate=date) for number, date in enumerate(DATES)))


HEAD = b"<rss version='2.0'><channel>"
DEEP = 100_000


def hostile() -> Iterator[tuple[str, bytes]]:
    """Documents made to hurt, each by its name."""
    yield "dates", DATED
    yield from _nested()
    yield from _crowded()
    yield from _declaring()
    yield from _malformed()


def _nested() -> Iterator[tuple[str, bytes]]:
    yield "elements nested deeply", HEAD + b"<item>" + b"<a>" * DEEP + b"</a>" * DEEP + b"</item></channel></rss>"
    yield "texts nested deeply", rss(item(description="<div>" * DEEP + "x" + "</div>" * DEEP))
    yield "lists nested deeply", rss(item(description="<ul><li>" * DEEP))
    yield (
        "json nested deeply",
        b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    )
    yield (
        "xhtml nested deeply",
        (b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>t</title><content type="xhtml">' + b"<b>" * DEEP),
    )


def _crowded() -> Iterator[tuple[str, bytes]]:
    yield "a million items", HEAD + b"<item/>" * 1_000_000 + b"</channel></rss>"
    yield "many items with titles", HEAD + b"<item><title>x</title></item>" * 200_000 + b"</channel></rss>"
    yield "many authors", rss(item(more="<dc:creator>A</dc:creator>" * 50_000))
    yield "many categories", rss(item(more="".join(f"<category>{n}</category>" for n in range(50_000))))
    yield "many contents", rss(item(more="<content:encoded>x</content:encoded>" * 50_000))
    yield "many enclosures", rss(item(more="<enclosure url='/a.jpg' type='image/jpeg'/>" * 50_000))
    yield "many embeds", rss(item(description="<iframe src='https://a.example/'></iframe>" * 50_000))
    yield "many pictures", rss(item(description="<img src='/a.jpg' alt='x'>" * 50_000))
    yield "a huge attribute", rss(item(description=f"<a href='https://a.example/{'x' * 3_000_000}'>y</a>"))
    yield "a huge tag name", HEAD + b"<" + b"a" * 3_000_000 + b"/>"
    yield "many attributes", HEAD + b"<item " + b" ".join(b"a%d='x'" % n for n in range(100_000)) + b"/>"
    yield (
        "many namespaces",
        b"<rss " + b" ".join(b"xmlns:a%d='u%d'" % (n, n) for n in range(20_000)) + b"><channel/></rss>",
    )


def _declaring() -> Iterator[tuple[str, bytes]]:
    yield "entities that grow", (
        b'<!DOCTYPE r [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
        + b"]><rss version='2.0'><channel><title>&j;</title></channel></rss>"
    )  # fmt: skip
    yield (
        "an entity from a file",
        (b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><title>&a;</title></channel></rss>'),
    )
    yield "parameter entities", b'<!DOCTYPE r [<!ENTITY % a "' + b"x" * 100_000 + b'">' + b"%a;" * 50_000 + b"]><rss/>"
    yield "open declarations", b"<!DOCTYPE r [" + b"<!ELEMENT a (b)>" * 100_000
    yield "open comments", b"<!--" * 500_000
    yield "open sections", HEAD + b"<item><title><![CDATA[" * 100_000


def _malformed() -> Iterator[tuple[str, bytes]]:
    yield "references", rss(item(title="&#x26;" * 500_000))
    yield "one long word", rss(item(title="a" * 4_000_000, description="b" * 4_000_000))
    yield "zero bytes", b"\0" * 5_000_000
    yield "white space", b" " * 5_000_000 + b"<rss/>"
    yield "brackets", HEAD + b"<item><description>" + b"<" * 1_000_000
    yield "quotes", rss(item(description="<a title='" * 200_000))
    yield (
        "a base that is none",
        b"<rss xml:base='http://[" + b"x" * 100_000 + b"'><channel><item><link>a</link></item></channel></rss>",
    )
    for encoding in ("utf-16", "utf-32", "utf-7", "shift_jis", "cp037", "idna", "rot13", "zlib", "unknown", "x" * 5000):
        declared = b"<?xml version='1.0' encoding='%s'?>" % encoding.encode()
        yield f"said to be {encoding[:20]}", declared + SEEDS[0].partition(b"?>")[2]


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """The document after one to eight accidents."""
    data = seed
    for _number in range(chance.randint(1, 8)):
        data = chance.choice(ACCIDENTS)(data, chance)[:200_000]
    return data


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _drop(data: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    return data[:start] + data[start + chance.randint(1, 60) :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(PIECES) * chance.choice((1, 1, 1, 3, 40)) + data[at:]


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.randint(1, 400))
    return data[:start] + data[start:end] * chance.choice((2, 5, 100)) + data[end:]


def _recode(data: bytes, chance: random.Random) -> bytes:
    encoding = chance.choice(("utf-16", "utf-16-be", "utf-32", "cp1252", "shift_jis", "koi8-r", "utf-7", "utf-8-sig"))
    return data.decode("utf-8", "replace").encode(encoding, "xmlcharrefreplace")


def _splice(data: bytes, chance: random.Random) -> bytes:
    other = chance.choice(SEEDS)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


ACCIDENTS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _drop, _insert, _insert, _flip, _repeat, _recode, _splice
)  # fmt: skip


def wrong_with(feed: ParsedFeed) -> Iterator[str]:
    """What must never come out, whatever went in."""
    for one in feed.items:
        texts = (one.guid, one.link, one.title, one.summary, one.body_html, one.language, *one.authors, *one.categories)
        if any("\0" in text for text in texts):
            yield "a zero byte"
        if any(0xD800 <= ord(letter) <= 0xDFFF for text in texts for letter in text):
            yield "half a character"
        if one.link and not one.link.startswith(("http://", "https://")):
            yield f"a link that is none: {one.link[:80]}"
        if SCRIPT.search(one.body_html):
            yield "a script"
        if len(one.title) > 300 or len(one.language) > 16:
            yield "a text that is too long"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = Run()
    for name, document in hostile():
        run.read(name, document)
    ends, number = monotonic() + options.minutes * 60, 0
    while monotonic() < ends:
        number += 1
        chance = random.Random(f"{options.seed}:{number}")
        run.read(f"{options.seed}:{number}", mutated(chance.choice((*SEEDS, DATED)), chance))
    sys.stdout.write(f"{run.outcomes.total()} documents, the slowest ({run.slowest[1]}) took {run.slowest[0]:.2f} s\n")
    for outcome, count in run.outcomes.most_common():
        sys.stdout.write(f"{count:8} {outcome}\n")
    sys.exit(1 if run.problems else 0)


class Run:
    """What came of many documents."""

    def __init__(self) -> None:
        self.outcomes = Counter[str]()
        self.problems: list[str] = []
        self.slowest = (0.0, "")

    def read(self, name: str, document: bytes) -> None:
        started = monotonic()
        try:
            feed = parse(document, url=URL)
            self.outcomes["read"] += 1
            for problem in wrong_with(feed):
                self._tell(f"WRONG {name}: {problem}")
        except ParseError as error:
            self.outcomes[str(error)] += 1
        seconds = monotonic() - started
        self.slowest = max(self.slowest, (seconds, name))
        if seconds > PARSE_SECONDS + SLOW_SECONDS:
            self._tell(f"LATE {name}: {seconds:.1f} s, {len(document)} bytes")
        elif seconds > SLOW_SECONDS:
            sys.stdout.write(f"SLOW {name}: {seconds:.1f} s, {len(document)} bytes\n")

    def _tell(self, problem: str) -> None:
        self.problems.append(problem)
        sys.stdout.write(f"{problem}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import django

    django.setup()
    main()
