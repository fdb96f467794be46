"""The desk for everybody: screen readers, the keyboard alone, phones, and browsers without a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_desk_of_readers import FRAME
from tests.journeys.test_editor import sign_in
from tests.journeys.test_pages import flaws
from tests.product import Product

ADDED = """
from django.utils import timezone
from articles.models import *
now = timezone.now()
feed = Feed.objects.create(url="https://feeds.example.org/harbor.xml", title="Harbor office", next_poll_at=now)
CategoryRule.objects.create(feed=feed, category="Local", category_key="local", topic=Topic.objects.first())
BoilerplateRule.objects.create(feed=feed, pattern="- Advertisement *")
Archive.objects.create(kind="wxr", name="old.xml", status="finished", created_at=now)
"""
PLACES = [
    "/admin/", "/admin/articles/feed/", "/admin/articles/feed/add/", "/admin/articles/categoryrule/",
    "/admin/articles/boilerplaterule/", "/admin/articles/archive/", "/admin/articles/archive/add/",
    "/admin/articles/topic/", "/admin/subscribers/newsletter/", "/admin/digests/schedule/",
    "/admin/subscribers/importrun/add/", "/admin/subscribers/attack/", "/admin/digests/offer/",
    "/admin/digests/offer/calendar/", "/admin/alert/", "/admin/answers/", "/admin/delivery/campaign/",
    "/admin/delivery/speedlimit/", "/admin/delivery/warmup/", "/admin/digests/issue/",
]  # fmt: skip
# Of the admin's frame: its search has a list of another make, and the column of handles no name.
# And of its long form: search fields inside lists, and dates whose name stands above both halves.
THEIRS = (*FRAME, "px: aria-input-field-name: ", "px: label-title-only: ", "px: empty-table-header: ")
DARK_WHEN_ASKED = """() => matchMedia("(prefers-color-scheme: dark)").addEventListener(
    "change", query => document.documentElement.classList.toggle("dark", query.matches))"""

HAS_A_RING = """focused => {
    for (let box = focused, up = 0; box && up < 6; box = box.parentElement, up++) {
        if (getComputedStyle(box).outlineStyle !== "none") return true;
    }
    return focused === document.body || focused.type === "date";
}"""


@pytest.fixture
def page(site: Product, open_page: Callable[..., Page]) -> Page:
    """Signed in."""
    page = open_page("/admin/")
    sign_in(page, *site.editor)
    expect(page.locator("#id_password")).to_have_count(0)
    return page


def test_pages_are_for_everybody(site: Product, page: Page) -> None:
    site.run(ADDED)
    in_hand = site.run("from tests import stage; print('places', *stage.busy())").split("places ")[1].split()
    found = {}

    for place in [*PLACES, *in_hand]:
        page.emulate_media(color_scheme="light")
        page.goto(place)
        page.evaluate(DARK_WHEN_ASKED)  # unfold looks only when a page opens
        found[place] = [flaw for flaw in flaws(page) if not any(theirs in flaw for theirs in THEIRS)]

    assert {place: those for place, those in found.items() if those} == {}


def test_row_of_a_list_is_a_card_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto("/admin/articles/article/")

    list_ = page.locator("#result_list")
    assert list_.evaluate("list => list.scrollWidth <= list.parentElement.clientWidth")
    status = list_.locator("td[data-label]", has_text="published").first
    assert status.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Status"'


def test_sections_and_filters_open_with_the_keyboard(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/admin/articles/article/")

    press_tab_until(page, ".filter-open-button")
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.goto("/admin/articles/article/")
    press_tab_until(page, ".desk-sections")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Suppression list")).to_be_visible()


def test_article_is_written_with_the_keyboard_only(site: Product, page: Page) -> None:
    page.goto("/admin/articles/article/add/")

    press_tab_until(page, "#id_title")
    page.keyboard.type("Written without a mouse")
    press_tab_until(page, ".editor__text")
    page.keyboard.type("It can be done.")
    press_tab_until(page, "button[name=_save]")
    page.keyboard.press("Enter")

    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.goto("/admin/articles/article/?q=without+a+mouse")
    page.locator("#result_list th a").first.click()
    expect(page.locator("#id_body")).to_have_value("<p>It can be done.</p>")


def test_list_is_brought_in_with_the_keyboard_only(page: Page, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("email,confirmed at\nkeyboard@example.org,2024-01-03\n")
    page.goto("/admin/subscribers/importrun/add/")

    page.locator("input[type=file]").set_input_files(table)  # what the system's own dialog does
    press_tab_until(page, "select[name=newsletter]")
    page.keyboard.type("Latest")
    press_tab_until(page, "input[name=ground]")
    page.keyboard.type("The form in our shop, since 2024.")
    press_tab_until(page, "#content button[type=submit]")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="people.csv")).to_be_visible()
    expect(page.get_by_text("keyboard@example.org")).to_be_visible()


def test_desk_can_be_used_without_javascript(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/", width=390, java_script_enabled=False)

    sign_in(page, *site.editor)
    page.get_by_role("button", name="Sections").click()
    page.locator("#nav-sidebar-inner").get_by_role("link", name="Articles").click()
    page.locator("#result_list th a").first.click()
    page.locator("#id_summary").fill("Written without a script.")
    page.locator("#id_picture_credit").scroll_into_view_if_needed()  # what a script would fold away
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("was changed successfully")).to_be_visible()


def press_tab_until(page: Page, selector: str) -> None:
    """Each stop on the way must be seen: it, or the box that it stands in, has a ring around it.

    What is too small to be seen is on the screen somewhere else, and the parts of a date show their own mark.
    """
    for _press in range(150):
        page.keyboard.press("Tab")
        focused = page.evaluate_handle("document.activeElement")
        assert focused.evaluate(HAS_A_RING), focused.evaluate("focused => focused.outerHTML.slice(0, 200)")
        if focused.evaluate("(focused, selector) => focused.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached with the Tab key")
