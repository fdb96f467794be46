"""What a text embeds becomes a link to it: in feeds, in WordPress exports, in what editors paste."""

from __future__ import annotations

from time import monotonic

import pytest

from articles.archives import wordpress_text
from articles.embeds import shown_at
from articles.feeds.parsing import parse
from articles.sanitizing import clean_html, plain_text
from tests.articles.documents import item, rss

BASE = "https://n.example/story/"


def links(html: str) -> list[tuple[str, str]]:
    """Address and words of each link that stands for an embed."""
    found = []
    for piece in html.split('<a href="')[1:]:
        url, _quote, rest = piece.partition('"')
        found.append((url, plain_text(rest.partition(">")[2].partition("</a>")[0])))
    return found


@pytest.mark.parametrize(
    ("embed", "link"),
    [
        ('<iframe src="https://www.youtube.com/embed/dQw4w9WgXcQ?rel=0" title="A &amp; B"></iframe>',
         ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "A & B")),
        ('<IFRAME SRC="//player.vimeo.com/video/7"></IFRAME>', ("https://vimeo.com/7", "vimeo.com/7")),
        ("<iframe data-src='/m?a=1&amp;b=2'></iframe>", ("https://n.example/m?a=1&amp;b=2", "n.example/m?a=1&b=2")),
        ('<embed src="https://a.example/x.pdf">', ("https://a.example/x.pdf", "a.example/x.pdf")),
        ('<object data="/doc.pdf">Your browser cannot</object>', ("https://n.example/doc.pdf", "n.example/doc.pdf")),
        ('<object><embed src="https://a.example/f.swf"></object>', ("https://a.example/f.swf", "a.example/f.swf")),
        ('<video controls><source src="c.mp4"></video>', ("https://n.example/story/c.mp4", "n.example/story/c.mp4")),
        ('<audio src="https://a.example/pod.mp3"></audio>', ("https://a.example/pod.mp3", "a.example/pod.mp3")),
    ],
)  # fmt: skip
def test_embed_becomes_a_link_in_a_paragraph(embed: str, link: tuple[str, str]) -> None:
    cleaned = clean_html(f"<p>Before.</p>{embed}<p>After.</p>", BASE)

    assert links(cleaned) == [link]
    assert cleaned.startswith("<p>Before.</p><p><a ")
    assert cleaned.endswith("</a></p><p>After.</p>")
    assert clean_html(cleaned, BASE) == cleaned


def test_embed_within_a_paragraph_leaves_the_paragraph_whole() -> None:
    cleaned = clean_html('<p>See <iframe src="https://a.example/v"></iframe> now.</p>')

    assert plain_text(cleaned) == "See a.example/v now."
    assert cleaned.count("<p>") == 1


@pytest.mark.parametrize(
    "embed",
    [
        '<iframe src="javascript:alert(1)"></iframe>',
        '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
        '<iframe src="https://a.example/" width="1" height="1"></iframe>',
        '<iframe src="https://a.example/" style="display: none"></iframe>',
        '<iframe src="https://www.googletagmanager.com/ns.html?id=1"></iframe>',
        '<iframe src="about:blank"></iframe>',
        "<iframe></iframe>",
        "<video></video>",
    ],
)
def test_what_nobody_reads_leaves_nothing(embed: str) -> None:
    assert clean_html(f"<p>Text.</p>{embed}", BASE) == "<p>Text.</p>"


def test_what_the_text_links_to_anyway_is_not_linked_twice() -> None:
    embed = '<audio src="https://a.example/pod.mp3"><a href="https://a.example/pod.mp3">Listen</a></audio>'

    assert links(clean_html(embed)) == [("https://a.example/pod.mp3", "Listen")]


def test_iframe_that_is_written_about_stays_a_text() -> None:
    image = '<img src="https://b.example/i.png" alt="<iframe src=https://c.example>">'
    text = f'<p>Write &lt;iframe src="https://a.example/"&gt; here.</p>{image}'

    assert links(clean_html(text)) == []
    assert "&lt;iframe" in clean_html(text)


def test_many_embeds_take_little_time() -> None:
    started = monotonic()

    cleaned = clean_html("".join(f'<p><iframe src="https://a.example/{n}">' for n in range(20_000)))
    clean_html("<object>" * 50_000)
    clean_html("<video " * 100_000)

    assert cleaned.count("<a ") <= 40
    assert monotonic() - started < 5


@pytest.mark.parametrize(
    ("player", "page"),
    [
        ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("https://www.youtube.com/embed/videoseries?list=PL1", "https://www.youtube.com/playlist?list=PL1"),
        ("https://open.spotify.com/embed/episode/7", "https://open.spotify.com/episode/7"),
        ("https://w.soundcloud.com/player/?url=https%3A//soundcloud.com/a/b&x=1", "https://soundcloud.com/a/b"),
        ("https://www.facebook.com/plugins/video.php?href=https%3A%2F%2Ffb.example%2F1", "https://fb.example/1"),
        ("https://www.youtube.com/embed/", "https://www.youtube.com/embed/"),
    ],
)
def test_link_leads_to_the_page_for_people(player: str, page: str) -> None:
    assert shown_at(player) == page


def test_summary_of_a_feed_s_item_is_made_of_its_words_alone() -> None:
    text = '<iframe src="https://www.youtube.com/embed/dQw4w9WgXcQ" title="Player"></iframe><p>The ferry stops.</p>'

    (one,) = parse(rss(item(description=text)), url=BASE).items

    assert one.summary == "The ferry stops."
    assert links(one.body_html) == [("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "Player")]


@pytest.mark.parametrize(
    "written",
    [
        "[embed]https://a.example/v[/embed]",
        "[embed width='100']https://a.example/v[/embed]",
        '[video width="640" mp4="https://a.example/v"][/video]',
        "[audio src='https://a.example/v']",
        "[youtube=https://a.example/v]",
        "Before.\n\nhttps://a.example/v\n\nAfter.",
        '<!-- wp:embed --><figure class="wp-block-embed"><div>\nhttps://a.example/v\n</div></figure><!-- /wp:embed -->',
        "<p>https://a.example/v</p>",
    ],
)  # fmt: skip
def test_players_of_wordpress_become_links(written: str) -> None:
    assert links(wordpress_text.to_html(written, base_url=BASE)) == [("https://a.example/v", "a.example/v")]


@pytest.mark.parametrize(
    "piece", ["[caption]", "[video ", "[embed]", "[gallery ", "  ", "\n<p", "[caption a='", "[youtube"]
)
def test_text_that_ends_nothing_takes_little_time(piece: str) -> None:
    started = monotonic()

    wordpress_text.to_html("[/caption]" + piece * 60_000, base_url=BASE)

    assert monotonic() - started < 4


def test_address_within_a_sentence_of_wordpress_stays_a_text() -> None:
    assert links(wordpress_text.to_html("See https://a.example/v for more.", base_url=BASE)) == []
