"""Threat 15: a document's own entities blow up memory, or fetch files and addresses."""

from __future__ import annotations

from time import monotonic

import pytest

from articles.feeds.parsing import ParseError, parse
from tests.servers.http import HttpServer

URL = "https://news.example/feed.xml"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


def document(internal: str, text: str, *, before: str = "") -> str:
    return (
        f"{before}<!DOCTYPE rss [{internal}]><rss version='2.0'><channel><title>t</title>"
        f"<item><title>A {text}</title></item></channel></rss>"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("before", ["", "<?xml version='1.0'?>", "<!-- <rss> --><?x y?>\n"])
@pytest.mark.parametrize(
    ("internal", "text"),
    [
        (f'<!ENTITY l0 "ha">{LAUGHS}', "&l11;"),
        (f'<!ENTITY a "{"x" * 50_000}">', "&a;" * 50_000),
        ('<!ENTITY f SYSTEM "file:///etc/passwd">', "&f;"),
        ('<!ENTITY f PUBLIC "x" "http://127.0.0.1/">', "&f;"),
    ],
    ids=["laughs", "quadratic", "file", "address"],
)
def test_document_with_entities_of_its_own_is_refused(internal: str, text: str, before: str, encoding: str) -> None:
    started = monotonic()

    with pytest.raises(ParseError, match="entities of its own"):
        parse(document(internal, text, before=before).encode(encoding), url=URL)

    assert monotonic() - started < 5


def test_external_dtd_and_parameter_entities_fetch_nothing(http_server: HttpServer) -> None:
    address = http_server.serve("/evil.dtd", b'<!ENTITY f "fetched">')
    external = document("", "&f;").replace("[]", f'SYSTEM "{address}"')

    for text in (external, document(f'<!ENTITY % p SYSTEM "{address}"> %p;', "&f;")):
        assert "fetched" not in parse(text.encode(), url=URL).items[0].title

    assert http_server.requests == []


def test_xinclude_and_stylesheets_are_mere_text(http_server: HttpServer) -> None:
    address = http_server.serve("/x", b"fetched")
    text = (
        f'<?xml-stylesheet href="{address}"?><rss version="2.0" xmlns:xi="http://www.w3.org/2001/XInclude"><channel>'
        f'<item><title>A <xi:include parse="text" href="{address}"/></title></item></channel></rss>'
    )

    assert parse(text.encode(), url=URL).items[0].title == "A"
    assert http_server.requests == []
