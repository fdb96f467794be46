"""A reader meets a box under an article, signs up, confirms, reads, chooses and leaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import letters
from tests.product import Product

PEOPLE_ARE_SLOWER = 2100  # milliseconds: a form that is sent within two seconds is taken for a robot's

VISITORS: dict[str, dict[str, Any]] = {
    "phone": {"width": 360, "has_touch": True},
    "desktop": {"width": 1280},
    "without_javascript": {"width": 1280, "java_script_enabled": False},
}


@pytest.mark.parametrize("visitor", VISITORS)
def test_from_signing_up_to_leaving(visitor: str, site: Product, open_page: Callable[..., Page]) -> None:
    address = f"{visitor}@example.org"
    page = open_page("/", **VISITORS[visitor])

    page.locator("main h2 a, main h3 a").first.click()
    sign_up(page, address)
    confirmation = letters.letter_in_mailbox(site, address)
    open_letter(page, confirmation)
    page = confirm(page)

    site.manage("send_now", "latest-news", "--wait")
    digest = letters.letter_in_mailbox(site, address, after=confirmation["id"])
    open_letter(page, digest)
    expect(follow(page, "/articles/").locator("article h1")).to_be_visible()
    choose_weekly(page, letters.link(letters.source(site, digest), "/preferences/"))
    leave(page, letters.link(letters.source(site, digest), "/unsubscribe/"))


def test_with_the_keyboard_only(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/newsletters/latest-news/")

    press_tab_until(page, "input[type=email]")
    page.keyboard.type("keys@example.org")
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/subscribe/check-inbox/")
    letter = letters.letter_in_mailbox(site, "keys@example.org")
    page.goto(letters.link(letters.source(site, letter), "/confirm/"))
    press_tab_until(page, "main form button")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("You are subscribed")


# --- what a reader does -----------------------------------------------------------------------------------------------
def sign_up(page: Page, address: str) -> None:
    box = page.locator("form[action='/subscribe/']").last
    box.get_by_label("E-mail address").fill(address)
    news = box.locator("input[name=newsletters][value=latest-news]")
    news.check()
    box.locator("input[name=cadence][value=daily]").check()
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    box.get_by_role("button", name="Sign up").click()
    expect(page).to_have_url(re.compile("/subscribe/check-inbox/$"))
    expect(page.locator("h1")).to_be_visible()


def open_letter(page: Page, letter: dict[str, Any]) -> None:
    page.goto("/mailbox/")
    page.locator(f"main a[href='/mailbox/{letter['id']}/']").click()
    expect(page.locator("h1")).to_have_text(letter["subject"])


def confirm(page: Page) -> Page:
    """Use the link in the mail and then the button; the page on which that leads."""
    page = follow(page, "/confirm/")
    expect(page.locator("h1")).to_have_text("One more click")
    page.get_by_role("button", name="Yes, subscribe me").click()
    expect(page.locator("h1")).to_have_text("You are subscribed")
    return page


def follow(page: Page, path: str) -> Page:
    """Click the first such link in the open letter, which opens a page of its own, as mail programs do."""
    with page.expect_popup() as opened:
        page.frame_locator("iframe").locator(f"a[href*='{path}']").first.click()
    return opened.value


def choose_weekly(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("select[name=cadence-latest-news]").select_option("weekly")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    expect(page.locator("select[name=cadence-latest-news]")).to_have_value("weekly")


def leave(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.locator("h1")).to_contain_text("You have left")


def press_tab_until(page: Page, selector: str) -> None:
    """Tab from where the focus is to the element; its focus must be visible."""
    for _press in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            shown = "() => document.activeElement.matches(':focus-visible')"
            assert page.evaluate(shown)
            return
    raise AssertionError(f"{selector} cannot be reached with the Tab key")
