"""The readers' pages of a publication in Arabic: everything on the other side, with words that really run that way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests import product
from tests.journeys import letters
from tests.journeys.test_pages import confirm, flaws, flaws_in_large_text, path_in_letter, sign_up
from tests.product import Product

NAME = "أخبار الميناء"
IN_ARABIC = f"""
from articles.models import Topic
from newsletter.subscribers.models import Newsletter
Newsletter.objects.update(
    name="{NAME}", language="ar", description="ما يحدث في الميناء والمدينة، كل صباح.",
    consent_text="أريد أن تصلني هذه النشرة بالبريد الإلكتروني.", offers_delivery_time=True, sends_welcome=True,
    welcome_text="أهلاً بك!", postal_address="جريدة الميناء، شارع الرصيف ١",
)
Topic.objects.filter(pk=Topic.objects.order_by("pk")[0].pk).update(name="البحر")
"""
# Where the box of a choice begins, seen from where its words begin: to the right of them.
BOX_IS_RIGHT_OF_ITS_WORDS = """() => [...document.querySelectorAll('.choice')].every(choice =>
    !choice.getBoundingClientRect().width || choice.querySelector('input').getBoundingClientRect().left
    >= choice.querySelector('label').getBoundingClientRect().right - 1)"""


@pytest.fixture(scope="module")
def site() -> Iterator[Product]:
    with product.running(
        "arabic_site", on_given_redis=False, LANGUAGE_CODE="ar", SITE_NAME="جريدة الميناء",
        PRIVACY_URL="https://example.org/privacy",
    ) as running:  # fmt: skip
        running.run(IN_ARABIC)
        yield running


def test_readers_pages_run_from_right_to_left(site: Product, open_page: Callable[..., Page]) -> None:
    confirm(site, "reader@example.org")
    welcome = letters.letter_in_mailbox(site, "reader@example.org", subject=NAME)
    waiting = sign_up(site, "waiting@example.org")
    preferences = path_in_letter(site, welcome["id"], "/preferences/")
    places = [
        "/subscribe/", "/my-link/", "/subscribe/check-inbox/?slow=1", "/embed/latest-news/",
        path_in_letter(site, waiting, "/confirm/"), preferences, f"{preferences}address/",
        f"{preferences}new-link/",
        path_in_letter(site, welcome["id"], "/unsubscribe/"),
    ]  # fmt: skip
    page = open_page("/")
    found = {}

    for place in places:
        page.goto(place)
        assert page.evaluate("getComputedStyle(document.body).direction") == "rtl", place
        assert page.evaluate(BOX_IS_RIGHT_OF_ITS_WORDS), place
        found[place] = flaws(page) + flaws_in_large_text(page)

    assert {place: those for place, those in found.items() if those} == {}


def test_leaving_all_and_taking_it_back_with_the_keyboard_only(site: Product, open_page: Callable[..., Page]) -> None:
    confirm(site, "keys@example.org")
    welcome = letters.letter_in_mailbox(site, "keys@example.org", subject=NAME)
    page = open_page(path_in_letter(site, welcome["id"], "/preferences/"))
    page.emulate_media(reduced_motion="reduce")  # or what has the focus is still on its way to the screen

    for value, heading in (("leave_all", "undo_leaving"), ("undo_leaving", "leave_all")):
        button = f"button[value={value}]"
        page.keyboard.press("Tab")
        expect(page.locator(".skip-link")).to_be_focused()
        page.keyboard.press("Enter")  # past the masthead
        press_tab_until_shown(page, button)
        page.keyboard.press("Enter")
        expect(page.locator(f"button[value={heading}]")).to_be_visible()
        found = flaws(page)
        assert found == []
        page.goto(page.url.partition("#")[0])  # the focus begins at the top again


def press_tab_until_shown(page: Page, selector: str) -> None:
    """Each stop on the way must be seen: on the screen, with a ring around it.

    The parts of a date are the browser's own, and show their own mark.
    """
    for _press in range(120):
        page.keyboard.press("Tab")
        page.wait_for_function(
            """() => {
            const focused = document.activeElement, box = focused.getBoundingClientRect();
            return box.width && box.bottom > 0 && box.top < innerHeight
                && (focused.type === 'date' || getComputedStyle(focused).outlineStyle !== 'none');
        }""",
            timeout=3_000,
        )
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached with the Tab key")
