"""A reader ticks that they may be measured: a link leads through the site to its story, until they end it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests import product
from tests.journeys import letters
from tests.journeys.test_pages import flaws, path_in_letter
from tests.journeys.test_reader import PEOPLE_ARE_SLOWER
from tests.product import Product

IN_MEASURES = """
from newsletter.subscribers.models import Newsletter
Newsletter.objects.filter(slug="latest-news").update(measures_clicks=True, measures_opens=True)
"""
READER = "measured@example.org"


@pytest.fixture(scope="module")
def site() -> Iterator[Product]:
    with product.running("measuring_site", on_given_redis=False) as running:
        running.run(IN_MEASURES)
        yield running


def test_reader_agrees_clicks_and_ends_it(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/subscribe/", width=390)
    tick = page.get_by_role("checkbox", name=re.compile("^You may measure"))
    expect(tick).not_to_be_checked()
    page.get_by_role("checkbox", name=re.compile("^Latest news")).check()
    tick.check()
    page.get_by_label("E-mail address").fill(READER)
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    page.get_by_role("button", name="Sign up").click()
    number = letters.letter_in_mailbox(site, READER)["id"]

    page.goto(path_in_letter(site, number, "/confirm/"))
    expect(tick).to_be_checked()
    found = flaws(page)
    page.get_by_role("button", name="Yes, subscribe me").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    site.manage("send_now", "latest-news", "--wait")
    mail = letters.source(site, letters.letter_in_mailbox(site, READER, after=number))
    page.goto(urlsplit(letters.link(mail, "/c/")).path)
    assert urlsplit(page.url).path.startswith("/articles/")

    page.goto(urlsplit(letters.link(mail, "/preferences/")).path)
    expect(tick).to_be_checked()
    found += flaws(page)
    tick.uncheck()
    page.get_by_role("button", name="Save").click()
    expect(tick).not_to_be_checked()
    page.goto(urlsplit(letters.link(mail, "/c/")).path)
    assert [event["kind"] for event in site.rows("engagement.event")] == ["clicked"]
    assert found == []
