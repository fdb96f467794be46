"""A site that always asks for a proof of work: browsers bring it, and who cannot is not turned away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests import product
from tests.journeys import letters
from tests.product import Product

PEOPLE_ARE_SLOWER = 2100  # milliseconds


@pytest.fixture(scope="module")
def site() -> Iterator[Product]:
    settings = {"PROOF_OF_WORK": "always", "PROOF_OF_WORK_EFFORT": "200", "LOG_LEVEL": "DEBUG"}
    with product.running("proof_site", on_given_redis=False, **settings) as running:
        yield running


def sign_up(page: Page, address: str) -> None:
    box = page.locator("form[action='/subscribe/']").last
    box.locator("input[name=newsletters][value=latest-news]").check()
    box.get_by_label("E-mail address").fill(address)
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    box.get_by_role("button", name="Sign up").click()
    expect(page.locator("h1")).to_have_text("Check your inbox")


def test_browser_brings_the_proof_and_the_mail_comes_at_once(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/newsletters/")

    sign_up(page, "proven@example.org")

    expect(page).to_have_url(re.compile("/subscribe/check-inbox/$"))
    assert letters.letter_in_mailbox(site, "proven@example.org")


def test_browser_brings_the_proof_for_ones_own_link_as_well(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/my-link/")
    page.get_by_label("The address that our mail comes to").fill("proven.too@example.org")
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)

    page.get_by_role("button", name="Send me my link").click()

    expect(page).to_have_url(re.compile("/my-link/sent/$"))
    assert site.rows("subscribers.PersonalMail")[-1]["is_unproven"] is False


def test_without_javascript_the_page_says_that_the_mail_comes_later(
    site: Product, open_page: Callable[..., Page]
) -> None:
    page = open_page("/newsletters/", java_script_enabled=False)

    sign_up(page, "without@example.org")

    expect(page).to_have_url(re.compile("slow=1$"))
    expect(page.get_by_text("comes a little later")).to_be_visible()
    assert "held back" in site.run(
        "from newsletter.subscribers.models import SignUp; "
        "from newsletter.subscribers.signup import send_confirmation; from django.utils import timezone; "
        "row = SignUp.objects.get(subscriber__email='without@example.org'); "
        "send_confirmation(sign_up_id=row.pk, now=timezone.now()); row.refresh_from_db(); print(row.response)"
    )


def test_log_of_the_running_site_names_nobody_and_no_link(site: Product) -> None:
    """The web server, the worker and the scheduler at their most talkative, after what happened above."""
    letter = letters.letter_in_mailbox(site, "proven@example.org")
    link = letters.link(letters.source(site, letter), "/confirm/")
    path = link.removeprefix(site.url)
    site.get(path)
    site.post(path, [("choosing", "1")])  # answered with 400, which Django logs with the path
    site.post(path, [])

    token = path.split("/")[2]
    assert len(site.log) > 2000
    assert "example.org" not in site.log
    assert token not in site.log
