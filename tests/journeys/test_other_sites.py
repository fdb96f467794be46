"""The form on somebody else's page, in a real browser: another origin, a strict policy, no script at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect
from pytest_django import Settings

from newsletter.subscribers.models import Newsletter
from newsletter.subscribers.surfaces.snippets import snippets_of
from tests.journeys import letters
from tests.journeys.test_pages import flaws
from tests.journeys.test_reader import PEOPLE_ARE_SLOWER
from tests.product import Product
from tests.servers.http import HttpServer

DEFAULT_HEIGHT = "640"
# Whether the frame comes to be as high as what it shows. The frame's own policy forbids Playwright's way of waiting.
FITS = """() => new Promise(resolve => {
    const end = performance.now() + 10_000;
    const look = () => {
        const fits = document.documentElement.scrollHeight <= innerHeight + 1;
        fits || performance.now() > end ? resolve(fits) : requestAnimationFrame(look);
    };
    look();
})"""


@dataclass
class Blog:
    """A page of another origin, and what a browser noted on it."""

    site: Product
    server: HttpServer
    context: BrowserContext
    problems: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def open(self, body: str, *, policy: str = "") -> Page:
        """The page with this body, under a content security policy if one is given."""
        self.server.serve(
            "/story",
            f"<!doctype html><html lang=en><title>A blog</title><main><h1>A story</h1>{body}</main>".encode(),
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": policy} if policy else {},
        )
        page = self.context.new_page()
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url.split("/")[2]))
        page.goto(self.server.url("/story"))
        return page

    @property
    def script(self) -> str:
        return (
            f'<script src="{self.site.url}/embed.js" data-newsletter="latest-news" data-title="Get our news" async>'
            "</script>"
        )


@pytest.fixture
def blog(site: Product, http_server: HttpServer, browser: Browser) -> Iterator[Blog]:
    context = browser.new_context(viewport={"width": 800, "height": 900})
    context.set_default_timeout(15_000)
    yield Blog(site, http_server, context)
    assert context.cookies() == []
    context.close()


def the_frame(page: Page) -> Frame:
    handle = page.wait_for_selector("iframe")
    frame = handle.content_frame() if handle else None
    assert frame
    frame.wait_for_selector("form")
    return frame


def sign_up_in(frame: Frame, address: str) -> None:
    frame.get_by_label("E-mail address").fill(address)
    frame.page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    frame.get_by_role("button", name="Sign up").click()


def test_one_line_puts_the_form_on_a_page_with_a_strict_policy(blog: Blog, site: Product) -> None:
    origin = site.url
    policy = f"default-src 'none'; script-src {origin}; frame-src {origin}; require-trusted-types-for 'script'"

    page = blog.open(blog.script, policy=policy)
    frame = the_frame(page)
    page.wait_for_function(f"document.querySelector('iframe').height !== '{DEFAULT_HEIGHT}'")
    sign_up_in(frame, "blogreader@example.org")

    expect(page.frame_locator("iframe").get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert page.url == blog.server.url("/story")
    letter = letters.letter_in_mailbox(site, "blogreader@example.org")
    assert "/confirm/" in letters.link(letters.source(site, letter), "/confirm/")
    assert site.rows("subscribers.SignUp")[-1]["page_url"] == blog.server.url("/story")
    assert page.locator("iframe").get_attribute("title") == "Get our news"
    assert page.locator("[style]").count() == 0
    assert blog.problems == []
    assert blog.asked == {site.url.split("/")[2], blog.server.url("/").split("/")[2]}


def test_frame_is_as_high_as_the_form_and_listens_to_nobody_else(blog: Blog) -> None:
    page = blog.open(blog.script)
    frame = the_frame(page)
    page.wait_for_function(f"document.querySelector('iframe').height !== '{DEFAULT_HEIGHT}'")
    before = page.locator("iframe").get_attribute("height")

    page.evaluate("postMessage({broadsheetHeight: 3999}, '*')")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.locator("iframe").get_attribute("height") == before
    frame.evaluate(
        "document.body.append(Object.assign(document.createElement('p'), {textContent: 'more '.repeat(999)}))"
    )

    page.wait_for_function(f"Number(document.querySelector('iframe').height) > {before}")
    assert frame.evaluate(FITS)


def test_page_that_forbids_frames_gets_a_link(blog: Blog, site: Product) -> None:
    page = blog.open(blog.script, policy=f"default-src 'none'; script-src {site.url}; frame-src 'none'")

    link = page.get_by_role("link", name="Get our news")
    expect(link).to_have_attribute("href", f"{site.url}/newsletters/latest-news/")
    assert page.locator("iframe").count() == 0


def test_two_forms_on_one_page_do_not_get_in_each_others_way(blog: Blog) -> None:
    page = blog.open(blog.script + blog.script.replace("latest-news", "updates"))

    expect(page.locator("iframe")).to_have_count(2)
    page.wait_for_function(
        f"[...document.querySelectorAll('iframe')].every(each => each.height !== '{DEFAULT_HEIGHT}')"
    )


def test_frame_works_without_any_script(site: Product, browser: Browser, http_server: HttpServer) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = Blog(site, http_server, context).open(f'<iframe src="{site.url}/embed/latest-news/" title="x"></iframe>')

    sign_up_in(the_frame(page), "noscript@example.org")

    expect(page.frame_locator("iframe").get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert letters.letter_in_mailbox(site, "noscript@example.org")
    assert context.cookies() == []
    context.close()


def plain_form(site: Product, settings: Settings) -> str:
    """What the desk gives to be pasted, for the site as its readers reach it."""
    settings.SITE_URL = site.url
    newsletter = Newsletter(slug="latest-news", name="Latest news", consent_text="Yes, mail me.", language="en")
    return next(each.code for each in snippets_of(newsletter) if each.name == "form")


@pytest.mark.parametrize("has_script", [True, False])
def test_plain_form_pasted_into_a_page_of_another_origin_signs_up(
    has_script: object, site: Product, browser: Browser, http_server: HttpServer, settings: Settings
) -> None:
    address = f"pasted{int(bool(has_script))}@example.org"
    context = browser.new_context(java_script_enabled=bool(has_script))
    blog = Blog(site, http_server, context)
    page = blog.open(plain_form(site, settings), policy=f"default-src 'none'; form-action {site.url}")

    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button", name="Sign up").click()

    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    letter = letters.letter_in_mailbox(site, address)
    page.goto(letters.link(letters.source(site, letter), "/confirm/"))
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="You are subscribed")).to_be_visible()
    # where it stood: browsers tell another origin no more than this
    assert site.rows("subscribers.SignUp")[-1]["page_url"] == http_server.url("/")
    assert context.cookies() == []
    assert blog.problems == []
    context.close()


def test_mistake_in_a_plain_form_is_asked_about_on_our_page(
    site: Product, browser: Browser, http_server: HttpServer, settings: Settings
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = Blog(site, http_server, context).open(plain_form(site, settings))

    page.get_by_label("E-mail address").fill("ada.with.a.form@gmial.com")
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_timeout(PEOPLE_ARE_SLOWER)
    page.get_by_role("button", name="Yes, use that").click()

    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert letters.letter_in_mailbox(site, "ada.with.a.form@gmail.com")
    assert context.cookies() == []
    context.close()


def test_mistyped_address_is_asked_about_in_the_frame(blog: Blog, site: Product) -> None:
    page = blog.open(blog.script)
    frame = the_frame(page)
    sign_up_in(frame, "ada.of.the.blog@gmial.com")

    page.frame_locator("iframe").get_by_role("button", name="Yes, use that").click()

    expect(page.frame_locator("iframe").get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert letters.letter_in_mailbox(site, "ada.of.the.blog@gmail.com")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_script_of_another_origin_may_send_json(content_type: str, blog: Blog, site: Product) -> None:
    page = blog.open("")
    address = f"fetch{len(content_type)}@example.org"

    answer: Any = page.evaluate(
        """async ([url, type, email]) => {
          const values = {email, newsletters: "latest-news"};
          const body = type.endsWith("json") ? JSON.stringify(values) : new URLSearchParams(values);
          const headers = {"Content-Type": type, Accept: "application/json"};
          const response = await fetch(url, {method: "POST", headers, body});
          return [response.status, await response.json()];
        }""",
        [f"{site.url}/subscribe/", content_type, address],
    )

    assert answer[0] == 202
    assert answer[1]["status"] == "accepted"
    assert letters.letter_in_mailbox(site, address)


@pytest.mark.parametrize("answer", ["form", "mistake", "inbox"])
def test_frame_is_for_everybody(answer: str, open_page: Callable[..., Page]) -> None:
    page = open_page("/embed/latest-news/")
    if answer != "form":
        page.get_by_label("E-mail address").fill("ada@" if answer == "mistake" else "frame@example.org")
        page.wait_for_timeout(PEOPLE_ARE_SLOWER)
        page.get_by_role("button", name="Sign up").click()
        page.wait_for_selector("[aria-invalid=true]" if answer == "mistake" else "details")
    if answer == "inbox":
        page.locator("summary").click()

    assert flaws(page) == []


def test_editor_copies_the_line_and_sees_the_form(site: Product, open_page: Callable[..., Page]) -> None:
    page = open_page("/admin/login/", permissions=["clipboard-read", "clipboard-write"])
    name, password = site.editor
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.locator("button[type=submit]").click()
    page.goto("/admin/subscribers/newsletter/")
    page.get_by_role("link", name="Latest news").first.click()
    page.get_by_role("link", name="Put the form on your site").click()

    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied").first).to_be_visible()

    assert "/embed.js" in page.evaluate("navigator.clipboard.readText()")
    expect(page.frame_locator("iframe.desk-preview").get_by_label("E-mail address")).to_be_visible()
