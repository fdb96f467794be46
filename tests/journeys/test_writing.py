"""An editor writes in the browser: pastes, is interrupted, comes back, looks at it, publishes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.conf import settings
from playwright.sync_api import Page, expect

from tests.journeys.test_editor import sign_in
from tests.product import Product

FROM_A_WORD_PROCESSOR = """<html xmlns:o="urn:x"><style>p{color:red}</style><p class=MsoNormal style="margin:0">
<b>Bold</b> and <span style="font-style:italic">slanted</span><o:p></o:p></p>
<p class=MsoListParagraph style="mso-list:l0"><span style="mso-list:Ignore">·&nbsp;&nbsp;</span>A point</p>
<p><a href="javascript:alert(1)">bad</a> <a href="https://example.org/a" style="x">good</a></p>
<iframe src="https://video.example.org/v/1" title="A film"></iframe></html>"""
CLEAN = (
    "<p><strong>Bold</strong> and <em>slanted</em></p>\n<ul><li>A point</li></ul>\n"
    '<p>bad <a href="https://example.org/a">good</a></p>\n<p><a href="https://video.example.org/v/1">A film</a></p>'
)
PASTE = """html => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(".editor__text").dispatchEvent(event);
}"""


def test_what_is_pasted_is_clean_kept_and_published(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/articles/article/add/")
    sign_in(page, *site.editor)
    page.locator("#id_title").fill("Written in a browser")
    page.locator(".editor__text").click()
    page.evaluate(PASTE, FROM_A_WORD_PROCESSOR)
    assert page.locator("#id_body").input_value() == CLEAN

    expect(page.locator(".editor__status")).to_contain_text("Kept", timeout=15_000)
    page.goto(page.url)
    expect(page.locator("#id_title")).to_have_value("Written in a browser")

    with page.expect_navigation():
        page.locator("#id_title").press("Control+Enter")
    page.goto(f"{site.url}/articles/written-in-a-browser/")
    expect(page.locator(".article__body li")).to_have_text("A point")


def test_keys_are_listed_and_a_headline_for_mails_is_measured(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/articles/article/")
    sign_in(page, *site.editor)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Next article, article before")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()

    page.goto(f"{site.url}/admin/articles/article/add/")
    page.get_by_text("In newsletters", exact=True).first.click()
    meter = page.locator("#id_newsletter_title_meter")
    expect(meter).to_be_hidden()
    page.locator("#id_newsletter_title").fill("Low")
    expect(meter).to_have_text("3 characters: rather short")
    page.locator("#id_newsletter_title").fill("A very long headline " * 6)
    expect(meter).to_contain_text("an inbox may cut it")


def test_library_of_the_editor_is_the_one_that_was_built() -> None:
    digest, name = (settings.BASE_DIR / "config/vendored/prosemirror/prosemirror.sha256").read_text().split()

    library = (settings.BASE_DIR / "config/static/js/vendor" / name).read_bytes()

    assert hashlib.sha256(library).hexdigest() == digest
