"""Feeds that are broken on purpose: a few whole ones of every format, and what chance makes of them.

    python -m tests.articles.broken_feeds --minutes 5 [--seed 1]

reads mutations of them for that long and tells of each that was slow or came out wrong.
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

from articles.feeds.parsing import ParsedFeed, ParseError, parse
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
    ends, number, slowest, counts = monotonic() + options.minutes * 60, 0, 0.0, Counter[str]()
    while monotonic() < ends:
        number += 1
        chance = random.Random(f"{options.seed}:{number}")
        document = mutated(chance.choice(SEEDS), chance)
        started = monotonic()
        try:
            feed = parse(document, url=URL)
            counts["read"] += 1
            for problem in wrong_with(feed):
                sys.stdout.write(f"WRONG {options.seed}:{number}: {problem}\n")
        except ParseError as error:
            counts[str(error)] += 1
        seconds = monotonic() - started
        slowest = max(slowest, seconds)
        if seconds > SLOW_SECONDS:
            sys.stdout.write(f"SLOW {options.seed}:{number}: {seconds:.1f} s, {len(document)} bytes\n")
    sys.stdout.write(f"{number} documents, the slowest took {slowest:.2f} s\n")
    for outcome, count in counts.most_common():
        sys.stdout.write(f"{count:8} {outcome}\n")


if __name__ == "__main__":
    import django

    django.setup()
    main()
