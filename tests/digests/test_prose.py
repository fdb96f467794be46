"""Words that people wrote, fit for a mail."""

from __future__ import annotations

import pytest

from newsletter.digests import prose


def test_plain_text_becomes_paragraphs_with_links() -> None:
    html = prose.to_html("One & two.\n\nSee https://a.example/b", max_characters=1000)

    assert html == '<p>One &amp; two.</p>\n\n<p>See <a href="https://a.example/b">https://a.example/b</a></p>'


def test_angle_brackets_that_are_no_markup_stay_text() -> None:
    assert prose.to_html("3 < 5 and <tom@example.org>", max_characters=1000).startswith("<p>3 &lt; 5 and &lt;")


def test_html_keeps_what_mails_can_show_and_nothing_else() -> None:
    text = '<h2 id="x">A</h2><p style="position:fixed">B <img src="x"><script>c()</script><b>d</b></p>'

    assert prose.to_html(text, max_characters=1000) == "<h2>A</h2><p>B <b>d</b></p>"


def test_long_words_are_shortened_and_stay_well_formed() -> None:
    html = prose.to_html(f"<p><b>{'word ' * 100}</b></p>", max_characters=50)

    assert html.endswith("…</b></p>")
    assert len(html) < 80


@pytest.mark.parametrize(
    "href",
    ["javascript:a()", "\u200bjavascript:a()", "java\nscript:a()", "/relative", "//other.example/", "http:a", "a?b:c"],
)
def test_link_that_leads_nowhere_from_a_mail_is_only_words(href: str) -> None:
    assert prose.to_html(f'<p><a href="{href}">a</a></p>', max_characters=1000) == "<p><a>a</a></p>"


@pytest.mark.parametrize("href", ["https://a.example/?b=c", "mailto:desk@a.example"])
def test_whole_address_stays_a_link(href: str) -> None:
    assert prose.to_html(f'<p><a href="{href}">a</a></p>', max_characters=1000) == f'<p><a href="{href}">a</a></p>'


@pytest.mark.parametrize("text", ["", "  \n ", "\x00"])
def test_no_text_is_no_html(text: str) -> None:
    assert prose.to_html(text, max_characters=100) == ""


def test_text_of_html_keeps_its_shape() -> None:
    html = '<h2>A</h2><p>B <a href="https://a.example">link</a><br>c</p><ul><li>one</li><li>two</li></ul>'

    assert prose.to_text(html) == "A\n\nB link (https://a.example)\nc\n\n- one\n- two"


def test_text_of_numbered_list_keeps_its_numbers_and_a_button_has_its_address_below() -> None:
    html = '<ol><li>one<ul><li>dash</li></ul></li><li>two</li></ol><p class="action"><a href="https://a.example">Go</a></p>'

    text = prose.to_text(html)

    assert text.split() == ["1.", "one", "-", "dash", "2.", "two", "Go", "https://a.example"]
    assert text.endswith("\n\nGo\nhttps://a.example")


def test_address_that_is_its_own_link_text_is_told_once() -> None:
    assert prose.to_text('<p><a href="https://a.example/">https://a.example/</a></p>') == "https://a.example/"
