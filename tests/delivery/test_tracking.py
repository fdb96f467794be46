"""Which addresses in a mail become measured links, and that nothing else of it changes."""

from __future__ import annotations

from newsletter.delivery import tracking
from newsletter.digests.rendering import RenderedMail
from newsletter.lib.slots import Slot

SHORT, LONG = "https://news.example/a", "https://news.example/a?b=1&c=(2)"
LINKS = {SHORT: 7, LONG: 8}


def measured(*, text: str = "", html: str = "", counts_opens: bool = False) -> RenderedMail:
    return tracking.measured(RenderedMail("S", html, text), LINKS, counts_opens=counts_opens)


def link(number: int) -> str:
    return f"{Slot.CLICK_URL.mark}{number}/"


def test_text_has_each_address_as_its_own_link_whatever_follows_it() -> None:
    text = f"{SHORT}\n({SHORT}), {SHORT}. {LONG} {SHORT}/more https://else.example/a {Slot.UNSUBSCRIBE_URL.mark}"

    found = measured(text=text).text

    assert found == (
        f"{link(7)}\n({link(7)}), {link(7)}. {link(8)} {SHORT}/more https://else.example/a {Slot.UNSUBSCRIBE_URL.mark}"
    )


def test_html_has_its_links_and_not_its_words_or_pictures_changed() -> None:
    html = (
        f'<a href="{SHORT}">{SHORT}</a><a href="https://news.example/a?b=1&amp;c=(2)">x</a><img src="{SHORT}">'
        f'<a href="{Slot.PREFERENCES_URL.mark}">y</a><a href="{SHORT}/">z</a>'
    )

    found = measured(html=html).html

    assert found == (
        f'<a href="{link(7)}">{SHORT}</a><a href="{link(8)}">x</a><img src="{SHORT}">'
        f'<a href="{Slot.PREFERENCES_URL.mark}">y</a><a href="{SHORT}/">z</a>'
    )


def test_picture_stands_at_the_end_of_the_page_and_only_if_opens_count() -> None:
    html = "<body><p>A</p></body></html>"

    assert measured(html=html).html == html
    assert measured(html=html, counts_opens=True).html == f"<body><p>A</p>{tracking.PICTURE}</body></html>"
