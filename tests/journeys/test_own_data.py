"""A reader moves to another address, takes it back, gets their link by mail, takes their data along, and is erased."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import letters
from tests.journeys.test_pages import confirm, flaws
from tests.journeys.test_reader import PEOPLE_ARE_SLOWER, VISITORS
from tests.product import Product


@pytest.mark.parametrize("visitor", VISITORS)
def test_moving_house_and_being_forgotten(visitor: str, site: Product, open_page: Callable[..., Page]) -> None:
    old, new = f"{visitor}.old@example.org", f"{visitor}.new@example.org"
    confirm(site, old)
    page = open_page("/", **VISITORS[visitor])

    ask_for_link(page, old)
    my_link = in_letter(site, old, "/preferences/")
    page.goto(my_link)
    change_address(page, new)
    page.goto(in_letter(site, new, "/new-address/"))
    page.get_by_role("button", name="Yes, send them here").click()
    expect(page.locator("h1")).to_have_text("Your address has changed")
    page.goto(in_letter(site, old, "/undo-address/", subject="Your address has changed"))
    page.get_by_role("button", name="Yes, undo it").click()
    expect(page.locator("h1")).to_have_text("It is undone")
    page.get_by_role("link", name="See what you get").click()
    expect(page.locator(".lead")).to_have_text(old)

    assert take_along(page)["you"]["e-mail address"] == old
    erase(page)
    page.goto(my_link)
    expect(page.locator("h1")).to_have_text("You get nothing from us")


def test_every_page_of_it_is_for_everybody(site: Product, open_page: Callable[..., Page]) -> None:
    address, other = "pages.own@example.org", "pages.new@example.org"
    confirm(site, address)
    page = open_page("/my-link/")
    found = flaws(page)
    ask_for_link(page, address)
    found += flaws(page)
    mine = in_letter(site, address, "/preferences/")
    for place in ("", "address/", "erase/", "new-link/"):
        page.goto(f"{mine}{place}")
        found += flaws(page)
    page.goto(mine)
    change_address(page, other)
    found += flaws(page)
    for address_of_letter, path in ((other, "/new-address/"), (address, "/undo-address/")):
        page.goto(in_letter(site, address_of_letter, path))
        found += flaws(page)
        page.locator("main form button").click()
        found += flaws(page)
    page.get_by_role("link", name="See what you get").click()
    erase(page)
    found += flaws(page)
    page.goto(mine)

    assert found + flaws(page) == []


def test_reader_makes_a_link_that_got_out_useless(site: Product, open_page: Callable[..., Page]) -> None:
    address = "locks@example.org"
    confirm(site, address)
    page = open_page("/", java_script_enabled=False)
    ask_for_link(page, address)
    old = in_letter(site, address, "/preferences/")
    page.goto(old)

    page.get_by_role("link", name="Make my old links useless").click()
    page.get_by_role("button", name="Make them useless").click()

    expect(page.locator("h1")).to_have_text("Your old links are useless now")
    page.goto(old)
    expect(page.locator("h1")).to_have_text("This link does not work")
    page.goto(in_letter(site, address, "/preferences/", subject="Your new link"))
    expect(page.locator(".lead")).to_have_text(address)


def test_page_after_it_is_for_everybody(open_page: Callable[..., Page]) -> None:
    assert flaws(open_page("/my-link/renewed/")) == []


# --- what a reader does -----------------------------------------------------------------------------------------------
def ask_for_link(page: Page, address: str) -> None:
    page.get_by_role("link", name="Manage your subscription").click()
    page.get_by_label("The address that our mail comes to").fill(address)
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    page.get_by_role("button", name="Send me my link").click()
    expect(page.locator("h1")).to_have_text("Look into your inbox")


def change_address(page: Page, address: str) -> None:
    page.get_by_role("link", name="Change my e-mail address").click()
    page.get_by_label("New e-mail address").fill(address)
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    page.get_by_role("button", name="Send a link there").click()
    expect(page.locator("h1")).to_have_text("Look into your new inbox")


def take_along(page: Page) -> dict[str, dict[str, str]]:
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download everything you hold on me").click()
    told: dict[str, dict[str, str]] = json.loads(Path(downloading.value.path()).read_text())
    return told


def erase(page: Page) -> None:
    page.get_by_role("link", name="Erase me").click()
    expect(page.locator("h1")).to_have_text("Erase everything about you?")
    page.get_by_role("button", name="Erase me now").click()
    expect(page.locator("h1")).to_have_text("It is done. We have forgotten you")


def in_letter(site: Product, address: str, path: str, *, subject: str = "") -> str:
    """The path of the link in the newest letter to the address that has such a link."""
    subjects = {"/preferences/": "Your link", "/new-address/": "new address", "/undo-address/": "has changed"}
    letter = letters.letter_in_mailbox(site, address, subject=subject or subjects[path])
    return urlsplit(letters.link(letters.source(site, letter), path)).path
