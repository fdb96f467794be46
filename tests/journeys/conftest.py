"""Browsers and running products for the journeys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    expect,
    sync_playwright,
)

from tests import product, workspace
from tests.product import Product
from tests.servers.smtp import SmtpServer

# The first draws on no screen and so takes a fifth less of a processor.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]

expect.set_options(timeout=20_000)  # five seconds are too few on a machine that runs three tests at a time

OpenPage = Callable[..., Page]


def chromium() -> str:
    """The browser's path; without one the test is skipped, in CI it fails."""
    for name in (os.environ.get("CHROMIUM", ""), *CHROMIUM_NAMES):
        if name and (path := shutil.which(name)):
            return path
    message = "no Chromium on PATH; install one or set CHROMIUM to its path"
    if workspace.IS_CI:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def site() -> Iterator[Product]:
    """The product as `make run` starts it: demo content, mail into the built-in mailbox."""
    with product.running("site", on_given_redis=False) as running:
        yield running


@pytest.fixture(scope="session")
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="session")
def smtp_site(relay: SmtpServer) -> Iterator[Product]:
    """The product with a real mail server behind it."""
    with product.running("smtp_site", on_given_redis=True, MAILER_URL=relay.url) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the session: while playwright runs, Django takes this thread for an asynchronous one.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Watcher:
    """Notes what no page of ours may do: meet an error, or ask for anything beyond the site."""

    site: Product
    problems: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("weberror", self.on_error)
        context.on("console", self.on_console)
        context.on("request", self.on_request)
        context.on("response", self.on_response)

    def on_error(self, error: WebError) -> None:
        self.problems.append(f"script error: {error.error}")

    def on_console(self, message: ConsoleMessage) -> None:
        # A page that is not found is told of here too; on_response looks at what pages load.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(message.text)

    def on_request(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:", "blob:", "about:")):
            self.problems.append(f"asked {request.url}")

    def on_response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.problems.append(f"{response.status} {response.url}")


@pytest.fixture
def open_page(browser: Browser, site: Product) -> Iterator[OpenPage]:
    """Opens a page of a new visitor. At the end the Watcher may have noted nothing."""
    watcher = Watcher(site)
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/", *, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(base_url=site.url, viewport={"width": width, "height": 800}, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        watcher.watch(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert watcher.problems == []
