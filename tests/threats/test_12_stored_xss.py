"""Threat 12: HTML from a feed runs as script, or calls home, in whatever shows it. Tried in a real browser.

The articles are stored as an attacker would want them, past the cleaning on the way in; the pages are shown without
their content security policy, which would stop most attempts by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Request, Route, sync_playwright

from articles import outlook
from articles.models import Article
from tests.factories import NOW, make_article, make_newsletter
from tests.journeys.conftest import ARGUMENTS, chromium
from tests.threats.xss_corpus import CORPUS

pytestmark = pytest.mark.django_db
ORIGIN = "http://localhost:8000"  # SITE_URL
LONG_AGO = NOW - timedelta(days=300)
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
OWN_PARTS = re.compile(r'<link rel="(?:stylesheet|preload|icon)[^>]*>|<script src="/static[^>]*></script>')

# Shows each document in a frame of its own, eight at a time; `alert` is ours in all of them.
WATCH = """window.fired ??= []; window.alert = () => {
    let frame = window;
    while (frame.parent !== top) frame = frame.parent;
    top.fired.push([Number(frame.name), "alert"]);
};"""
SHOW_ALL = """async documents => {
    const show = async (number, text) => {
        const frame = document.createElement("iframe");
        frame.name = number;
        frame.srcdoc = text;
        await new Promise(done => {
            frame.onload = done;
            setTimeout(done, 1000);
            document.body.append(frame);
        });
        const shown = frame.contentDocument;
        for (const element of shown ? shown.querySelectorAll("*") : []) {
            for (const name of element.getAttributeNames()) {
                const value = element.getAttribute(name).replace(/[\\u0000-\\u0020\\u007f-\\u00a0\\u200b\\u00ad]/g, "");
                if (name.startsWith("on") || /^(javascript|vbscript|data:text|feed:|jar:)/i.test(value))
                    window.fired.push([number, `${element.tagName} ${name}=${value}`]);
            }
        }
        frame.remove();
    };
    for (let start = 0; start < documents.length; start += 8)
        await Promise.all(documents.slice(start, start + 8).map((text, offset) => show(start + offset, text)));
    return window.fired;
}"""


@dataclass(frozen=True)
class Watched:
    """Which documents did what they should not: ran a script or had one ready, or asked another host."""

    fired: dict[int, str]
    asked: list[str]


def watch(documents: list[str]) -> Watched:
    asked: list[str] = []

    def answer(route: Route) -> None:
        if route.request.url == f"{ORIGIN}/":
            route.fulfill(body="<!DOCTYPE html><body>", content_type="text/html")
        else:
            route.abort()

    def note(request: Request) -> None:
        if not request.url.startswith((ORIGIN, "about:", "data:", "chrome-error:")):
            asked.append(request.url)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        context = browser.new_context(bypass_csp=True)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.route("**/*", answer)
        page.on("request", note)
        page.goto(f"{ORIGIN}/")
        fired = page.evaluate(SHOW_ALL, documents)
        browser.close()
    return Watched(dict(fired), asked)


@pytest.fixture
def articles() -> list[Article]:
    """One for each attempt, in every text that it has."""
    return [
        make_article(title=attempt[:300], summary=attempt, body=f"<p>Before.</p>{attempt}", picture_alt=attempt[:300],
                     slug=f"attempt-{number}", canonical_url="", language="", released_at=LONG_AGO)
        for number, attempt in enumerate(CORPUS)
    ]  # fmt: skip


def test_the_attempts_would_work_without_us() -> None:
    watched = watch([f"<!DOCTYPE html><body>{attempt}" for attempt in CORPUS])

    assert len(CORPUS) >= 400
    assert len(watched.fired) > 200
    assert len(watched.asked) > 30


def test_no_page_and_no_mail_runs_or_asks_for_anything(articles: list[Article], client: Client) -> None:
    make_newsletter()
    pages = [client.get(article.get_absolute_url()).content.decode() for article in articles]
    mails = [mail.html for article in articles for mail in outlook.mail_previews(article)]

    together = ["".join(mails[start : start + 20]) for start in range(0, len(mails), 20)]
    watched = watch([OWN_PARTS.sub("", document) for document in (*pages, *together)])

    assert all("<p>Before.</p>" in page for page in pages)
    assert len(mails) == len(articles)
    assert watched == Watched({}, [])


def test_feed_out_carries_what_is_safe_in_any_reader(articles: list[Article], client: Client) -> None:
    first, last = articles[0].pk, articles[-1].pk
    texts: list[str] = []
    for start in range(first, last + 1, 30):
        Article.objects.update(released_at=None, status=Article.Status.DRAFT)
        shown = Article.objects.filter(pk__gte=start, pk__lt=start + 30)
        shown.update(status=Article.Status.PUBLISHED, released_at=LONG_AGO)
        cache.clear()
        feed = ElementTree.fromstring(client.get("/feed.xml").content)  # noqa: S314 (we wrote it)
        texts += [element.text or "" for element in feed.iter(CONTENT)]

    watched = watch(texts)

    assert len(texts) == len(articles)
    assert watched == Watched({}, [])
