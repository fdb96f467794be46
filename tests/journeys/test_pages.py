"""Every public page: no accessibility violation that axe can find, nothing wider than the screen, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys import letters
from tests.journeys.test_reader import PEOPLE_ARE_SLOWER
from tests.product import Product
from tests.validity import faults

WIDTHS = (320, 1280)
PHONE = 390
ADDRESS, OTHER, LEAVER = "pages@example.org", "undecided@example.org", "leaver@example.org"
# What mail programs do whose reader has asked for large text: the mail's own sizes are in pixels.
TWICE_AS_LARGE = """() => {
    const sizes = [...document.body.querySelectorAll("*")].map(box => [box, getComputedStyle(box)])
        .map(([box, style]) => [box, parseFloat(style.fontSize), parseFloat(style.lineHeight)]);
    for (const [box, size, line] of sizes) {
        box.style.setProperty("font-size", `${2 * size}px`, "important");
        if (line) box.style.setProperty("line-height", `${2 * line}px`, "important");
    }
}"""
TO_ANSWER = f"""
from newsletter.subscribers.models import Newsletter
from tests import stage
print(*stage.rating_and_staying("{ADDRESS}"), stage.private_letter(Newsletter.objects.get(kind="announcements")))
"""

NAMES = [
    "front", "article", "topic", "newsletters", "newsletter", "issue", "check_inbox", "check_inbox_slow", "my_link",
    "confirm", "confirm_used", "confirm_forged", "preferences", "unsubscribe", "unsubscribed",
    "not_found", "mailbox", "letter", "author", "search", "search_found", "search_in_vain", "archive", "month",
    "sign_up", "embed", "change_address", "erase", "rate", "stay", "private_letter",
]  # fmt: skip


@pytest.fixture(scope="module")
def places(site: Product) -> dict[str, str]:
    """A site with a reader who has a digest, one who has not confirmed, and one who has left."""
    used = [confirm(site, address) for address in (ADDRESS, LEAVER)]
    undecided = sign_up(site, OTHER)
    site.manage("send_now", "latest-news", "--wait")
    digest = letters.letter_in_mailbox(site, ADDRESS, subject="", after=undecided)
    unsubscribed = path_in_letter(site, letters.letter_in_mailbox(site, LEAVER, after=undecided)["id"], "/unsubscribe/")
    assert site.post(unsubscribed, [("List-Unsubscribe", "One-Click")]).status == 200
    number = site.rows("digests.Issue")[-1]["number"]
    months = re.findall(r"/archive/\d+/\d+/", site.get("/archive/").data.decode())
    preferences = path_in_letter(site, digest["id"], "/preferences/")
    answers = dict(zip(("rate", "stay", "private_letter"), site.run(TO_ANSWER).split()[-3:], strict=True))
    return {
        "front": "/",
        "article": path_in_letter(site, digest["id"], "/articles/"),
        "topic": f"/topics/{site.rows('articles.Topic')[0]['slug']}/",
        "newsletters": "/newsletters/",
        "newsletter": "/newsletters/latest-news/",
        "issue": f"/newsletters/latest-news/issues/{number}/",
        "check_inbox": "/subscribe/check-inbox/",
        "check_inbox_slow": "/subscribe/check-inbox/?slow=1",
        "my_link": "/my-link/",
        "confirm": path_in_letter(site, undecided, "/confirm/"), "confirm_used": used[0],
        "confirm_forged": "/confirm/" + "A" * 32 + "/",
        "preferences": preferences,
        "unsubscribe": path_in_letter(site, digest["id"], "/unsubscribe/"),
        "unsubscribed": unsubscribed, "not_found": "/nowhere/",
        "mailbox": "/mailbox/",
        "letter": f"/mailbox/{digest['id']}/",
        "author": "/authors/ada-merrin/",
        "search": "/search/", "search_found": "/search/?q=ferry", "search_in_vain": "/search/?q=zebra",
        "archive": "/archive/",
        "month": months[-1],
        "sign_up": "/subscribe/",
        "embed": "/embed/latest-news/",
        "change_address": f"{preferences}address/",
        "erase": f"{preferences}erase/",
        **answers,
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_page_is_for_everybody(name: str, places: dict[str, str], open_page: Callable[..., Page]) -> None:
    page = open_page(places[name])

    assert flaws(page) + flaws_in_large_text(page) == []


@pytest.mark.parametrize("name", NAMES)
def test_page_is_valid_html(name: str, site: Product, places: dict[str, str]) -> None:
    assert faults(site.get(places[name]).data.decode()) == []


@pytest.mark.usefixtures("places")
def test_every_mail_is_valid_html(site: Product) -> None:
    listed = site.get("/mailbox/messages.json").json()["messages"]
    mails = {mail["subject"]: letters.part(letters.source(site, mail), "html") for mail in listed}

    assert {subject: faults(html) for subject, html in mails.items() if faults(html)} == {}


@pytest.mark.usefixtures("places")
def test_every_mail_fits_a_small_phone_in_text_of_twice_its_size(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("about:blank", width=320)
    listed = site.get("/mailbox/messages.json").json()["messages"]
    mails = {mail["subject"]: letters.part(letters.source(site, mail), "html") for mail in listed}
    too_wide: dict[str, int] = {}

    for subject, html in mails.items():
        page.set_content(re.sub(r'src="[^"]*"', 'src="data:,"', html))  # and without pictures, as many show it
        page.evaluate(TWICE_AS_LARGE)
        needed = page.evaluate("document.documentElement.scrollWidth")
        too_wide |= {subject: needed} if needed > 320 else {}

    assert mails
    assert too_wide == {}


def test_form_with_a_mistake_is_for_everybody(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/newsletters/")
    page.locator("input[type=email]").first.fill("ada@")
    page.locator("input[name=newsletters]").first.check()
    page.locator("form:has(input[type=email])").first.evaluate("form => form.noValidate = true")
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    page.get_by_role("button", name="Sign up").first.click()
    page.wait_for_selector("[aria-invalid=true]")

    assert flaws(page) + flaws_in_large_text(page) == []


def test_flaws_are_found(open_page: Callable[..., Page]) -> None:
    page = open_page("/")

    page.evaluate("document.querySelector('main').append(new Image())")
    page.evaluate("document.querySelector('main').style.width = '2000px'")

    found = flaws(page)
    assert any("image-alt" in flaw for flaw in found)
    assert any("wider than" in flaw for flaw in found)


def flaws(page: Page) -> list[str]:
    return [
        f"{scheme}, {width} px: {flaw}"
        for scheme in ("light", "dark")
        for width in WIDTHS
        for flaw in flaws_at(page, scheme, width)
    ]


def flaws_in_large_text(page: Page) -> list[str]:
    """With text of twice its size nothing may be cut off or need scrolling sideways (WCAG 1.4.4, 1.4.10)."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found = []
    for width in (PHONE, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        needed = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{width} px, large text: {needed} px is wider than the screen"] if needed > width else []
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found


def flaws_at(page: Page, scheme: str, width: int) -> list[str]:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if scheme == "dark":  # another palette on the same page: what has nothing to do with colors was seen by day
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    violations = Axe().run(page, options=options).response["violations"]
    found = [f"{violation['id']}: {node['html'][:200]}" for violation in violations for node in violation["nodes"]]
    needed = page.evaluate("document.documentElement.scrollWidth")
    return found + ([f"{needed} px is wider than the screen"] if needed > width else [])


def sign_up(site: Product, address: str) -> int:
    """Send the form; the number of the confirmation mail."""
    fields = [("email", address), ("newsletters", "latest-news"), ("cadence", "daily")]
    assert site.post("/subscribe/", fields).status == 303
    number = letters.letter_in_mailbox(site, address)["id"]
    assert isinstance(number, int)
    return number


def confirm(site: Product, address: str) -> str:
    """Sign up and use the link; its path."""
    path = path_in_letter(site, sign_up(site, address), "/confirm/")
    assert site.post(path, []).status == 200
    return path


def path_in_letter(site: Product, number: int, path: str) -> str:
    return urlsplit(letters.link(letters.source(site, {"id": number}), path)).path
