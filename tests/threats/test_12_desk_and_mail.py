"""Threat 12 at the desk, in announcements and in feeds out as a browser shows them: the same attempts, a real browser.

As in ``test_12_stored_xss``, everything is stored past the cleaning on the way in and shown without its policy.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from articles.models import Article, Feed, Revision
from articles.writing import revisions
from newsletter.digests import rendering
from newsletter.subscribers.models import Newsletter
from tests import factories
from tests.factories import NOW
from tests.threats.test_12_stored_xss import LONG_AGO, Watched, watch
from tests.threats.xss_corpus import CORPUS

pytestmark = pytest.mark.django_db
OWN = re.compile(r"<(?:link|script)\b[^>]*(?:href|src)=[\"']?/static[^>]*>(?:</script>)?", re.IGNORECASE)
# Watching takes these out of addresses, browsers do not: in an editor's own text such a link leads nowhere.
INVISIBLE = re.compile("[\u200b\u00ad]")
ATTEMPTS = CORPUS[::4]  # a page of the desk is heavy; the site's own are tried with all


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(factories.make_editor())
    return client


def attempted(number: int, attempt: str) -> Article:
    topic = factories.make_topic(name=attempt[:80], slug=f"topic-{number}")
    author = factories.make_author(name=attempt[:120], slug=f"author-{number}")
    return factories.make_article(
        title=attempt[:300], summary=attempt, body=f"<p>Before.</p>{attempt}", picture_alt=attempt[:300],
        newsletter_title=attempt[:300], newsletter_summary=attempt, slug=f"attempt-{number}", canonical_url="",
        language="", released_at=LONG_AGO, topics=[topic], authors=[author],
    )  # fmt: skip


def shown(client: Client, url: str) -> str:
    """The page as it is, without the desk's own style sheets and programs, which watching does not serve."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    return OWN.sub("", answer.content.decode())


def test_desk_s_pages_run_nothing_of_an_article(desk: Client) -> None:
    articles = [attempted(number, attempt) for number, attempt in enumerate(ATTEMPTS)]
    for article in articles:
        revisions.record(article, editor=None, now=NOW)
        Revision.objects.filter(article=article).update(created_at=NOW)
    pages = [shown(desk, reverse("admin:articles_article_change", args=[article.pk])) for article in articles]
    lists = [shown(desk, f"{reverse('admin:articles_article_changelist')}?p={page}") for page in range(1, 4)]
    more = [
        shown(desk, reverse(f"admin:articles_article_{name}", args=[article.pk]))
        for article in articles[::10]
        for name in ("versions", "merge", "preview")
    ]

    watched = watch([*pages, *lists, *more])

    assert watched.fired == {}
    assert [url for url in watched.asked if "example.com/pixel" in url or "evil" in url] == []


def test_desk_s_pages_run_nothing_of_a_feed(desk: Client) -> None:
    for number, attempt in enumerate(ATTEMPTS):
        Feed.objects.create(
            url=f"https://feeds.example/{number}", title=attempt[:200], last_error=attempt, warning=attempt,
            failure_count=1, site_url="https://feeds.example/", next_poll_at=NOW + timedelta(days=1),
        )  # fmt: skip
    pages = [shown(desk, f"{reverse('admin:articles_feed_changelist')}?p={page}") for page in range(1, 4)]
    pages += [shown(desk, reverse("admin:articles_feed_change", args=[feed.pk])) for feed in Feed.objects.all()[::4]]

    assert watch(pages).fired == {}


def test_announcement_runs_and_asks_for_nothing() -> None:
    newsletter = factories.make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    mails = []
    for attempt in CORPUS:
        if INVISIBLE.search(attempt):
            continue
        issue = factories.make_issue(
            newsletter=newsletter, subject=attempt[:200], intro=attempt, body=f"Text.\n\n{attempt}"
        )
        mail = rendering.IssueRenderer(issue).render([])
        assert mail is not None
        mails.append(mail.html)

    together = ["".join(mails[start : start + 20]) for start in range(0, len(mails), 20)]
    watched = watch(together)

    assert watched == Watched({}, [])


@pytest.mark.parametrize("path", ["/atom.xml", "/feed.json", "/feed.xml"])
def test_feed_out_is_no_page_that_runs_anything(client: Client, path: str) -> None:
    """Opened in a browser as what it says it is, and as the page that a careless reader would take it for."""
    for number, attempt in enumerate(ATTEMPTS[:30]):
        attempted(number, attempt)
    cache.clear()

    answer = client.get(path)

    assert answer.headers["Content-Type"].split(";")[0] in {
        "application/atom+xml", "application/rss+xml", "application/xml", "application/feed+json", "application/json",
    }  # fmt: skip
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"<script" not in answer.content
    assert watch([answer.content.decode()]).fired == {}
