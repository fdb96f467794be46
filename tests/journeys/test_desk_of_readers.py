"""The desk's pages for readers: no violation that axe can find in what is ours, nothing too wide, in light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_editor import sign_in
from tests.journeys.test_pages import confirm, flaws
from tests.product import Product

ADDRESS = "desk@example.org"
NAMES = [
    "readers", "reader", "timeline", "issues", "why", "growth", "add", "subscriptions", "suppressions", "question",
    "bulk_action",
]  # fmt: skip
# Of the admin's frame, which is not ours: its header lies in no landmark, and its search for labels has no label.
FRAME = ("px: region: ", "select2-search__field")


@pytest.fixture(scope="module")
def places(site: Product) -> dict[str, str]:
    """A reader with an issue."""
    confirm(site, ADDRESS)
    site.manage("send_now", "latest-news", "--wait")
    pk = next(row["pk"] for row in site.rows("subscribers.Subscriber") if row["email"] == ADDRESS)
    issue = site.rows("digests.Issue")[-1]["pk"]
    return {
        "readers": "/admin/subscribers/subscriber/",
        "reader": f"/admin/subscribers/subscriber/{pk}/change/",
        "timeline": f"/admin/readers/{pk}/",
        "issues": f"/admin/readers/{pk}/issues/",
        "why": f"/admin/readers/{pk}/why/?issue={issue}",
        "growth": "/admin/growth/",
        "add": "/admin/subscribers/subscriber/add/",
        "subscriptions": "/admin/subscribers/subscription/",
        "suppressions": "/admin/subscribers/suppression/",
    }


@pytest.mark.parametrize("name", NAMES)
def test_page_is_for_everybody(
    name: str, site: Product, places: dict[str, str], open_page: Callable[..., Page]
) -> None:
    page = open_page("/admin/")
    sign_in(page, *site.editor)
    if name in places:
        page.goto(places[name])
    else:
        ask_to_label(page)
        if name == "bulk_action":
            page.locator("input[name=new_label]").fill("press")
            page.get_by_role("button", name="Add the label").click()
            page.goto("/admin/subscribers/bulkaction/")
            page.locator("#result_list tbody th a").first.click()

    assert [flaw for flaw in flaws(page) if not any(theirs in flaw for theirs in FRAME)] == []


def ask_to_label(page: Page) -> None:
    """By the keyboard alone: tick the first reader, choose the action, run it."""
    page.goto("/admin/subscribers/subscriber/")
    page.locator("input.action-select").first.focus()
    page.keyboard.press("Space")
    page.locator("select[name=action]").select_option("label_selected")
    page.get_by_role("button", name="Run").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Label these readers?").last).to_be_visible()
