"""One step of the feeds benchmark, as a process: serve the feeds, or poll them.

``python -m tests.benchmarks.feeds_run FEEDS serve|ours|baseline [PORT]`` prints its figures as JSON; see feeds.py.
"""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import django

django.setup()

import feedparser
import urllib3
from django.core.management import call_command
from django.db import connection

from articles.feeds import polling
from articles.models import Article, Feed
from tests.articles.documents import item, rss
from tests.benchmarks.importing_run import peak_mb
from tests.servers.http import HttpServer, Request, Response

ITEMS = 50
BEGIN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
PARAGRAPHS = "".join(
    f"<p>Paragraph {number} of the report, with <a href='/about'>a link</a>, <em>stress</em> and some more words.</p>"
    for number in range(8)
)


class AnyHost(HttpServer):
    host = "0.0.0.0"


def main() -> None:
    feeds, kind = int(sys.argv[1]), sys.argv[2]
    if kind == "serve":
        serve(feeds)
        return
    call_command("migrate", verbosity=0)
    urls = [f"http://127.0.{number // 250}.{number % 250 + 1}:{sys.argv[3]}/{number}" for number in range(feeds)]
    sys.stdout.write("\n" + json.dumps({"ours": ours, "baseline": baseline}[kind](urls)) + "\n")


def serve(feeds: int) -> None:
    """``/N?round`` has ITEMS items that no other round has; a round that the asker knows is not modified."""
    with AnyHost() as server:
        for number in range(feeds):
            server.answer(f"/{number}", partial(document, number))
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


def document(number: int, request: Request) -> Response:
    round_ = request.path.partition("?")[2]
    items = (
        item(f"{round_}-{number}-{one}", description=PARAGRAPHS, link=f"https://n{number}.example/{round_}/{one}")
        for one in range(ITEMS)
    )
    return Response(rss(*items), etag=f'"{round_}"')


def ours(urls: list[str]) -> list[dict[str, Any]]:
    Feed.objects.bulk_create([Feed(url=f"{url}?0", next_poll_at=BEGIN) for url in urls])
    polled(BEGIN)  # the first import
    return [
        timed("50 new items each", urls, lambda: polled(BEGIN + timedelta(hours=1), round_=1)),
        timed("unchanged", urls, lambda: polled(BEGIN + timedelta(hours=2))),
    ]


def polled(now: datetime, *, round_: int = 0) -> None:
    if round_:
        for feed in Feed.objects.all():
            Feed.objects.filter(pk=feed.pk).update(url=f"{feed.url.partition('?')[0]}?{round_}")
    Feed.objects.update(next_poll_at=now)
    count = Feed.objects.count()
    while count > 0:
        reports = list(polling.poll_due(now))
        if not reports or not all(report.is_success for report in reports):
            sys.exit(f"Not all feeds were read: {reports}")
        count -= len(reports)
        now += timedelta(seconds=polling.SWEEP_SECONDS)


def baseline(urls: list[str]) -> list[dict[str, Any]]:
    """What one writes first."""
    client = urllib3.PoolManager()
    saved(client, urls, 0)
    return [
        timed("50 new items each", urls, lambda: saved(client, urls, 1)),
        timed("unchanged", urls, lambda: saved(client, urls, 1)),
    ]


def saved(client: urllib3.PoolManager, urls: list[str], round_: int) -> None:
    for url in urls:
        parsed = feedparser.parse(io.BytesIO(client.request("GET", f"{url}?{round_}").data))
        for entry in parsed.entries:
            Article.objects.get_or_create(
                canonical_url=entry.link,
                defaults={
                    "title": entry.title, "summary": entry.summary, "status": "published", "first_seen_at": BEGIN,
                    "released_at": BEGIN,
                },
            )  # fmt: skip


def timed(what: str, urls: list[str], work: Callable[[], None]) -> dict[str, Any]:
    before, started = Article.objects.count(), time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    connection.close()
    return {
        "what": what, "feeds": len(urls), "seconds": seconds, "articles": Article.objects.count() - before,
        "peak_mb": peak_mb(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
