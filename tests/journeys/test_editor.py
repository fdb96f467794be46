"""An editor signs in, sends the news at once, and sees in the ledger who got it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys import letters
from tests.journeys.test_pages import confirm
from tests.product import Product

READER = "early-bird@example.org"


def test_send_now_reaches_the_reader_and_the_ledger(site: Product, open_page: Callable[..., Page]) -> None:
    confirm(site, READER)
    asked = letters.letter_in_mailbox(site, READER)["id"]
    page = open_page("/admin/")

    sign_in(page, *site.editor)
    page.locator("main a, #content a").get_by_text("Send now").first.click()
    page.get_by_role("button", name="Send now").click()

    digest = letters.letter_in_mailbox(site, READER, after=asked)
    page.goto(f"/admin/delivery/send/?q={READER}")
    row = page.locator("#result_list tbody tr").first
    expect(row).to_contain_text(READER)
    expect(row).to_contain_text("sent", ignore_case=True)
    assert letters.source(site, digest)["List-ID"]


def test_wrong_password_stays_outside(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/")

    sign_in(page, "editor", "wrong")

    expect(page.locator("#id_username")).to_be_visible()


def sign_in(page: Page, name: str, password: str) -> None:
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(password)
    page.locator("button[type=submit]").first.click()
