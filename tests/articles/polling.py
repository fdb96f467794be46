"""Poll feeds that a test serves."""

from __future__ import annotations

from datetime import timedelta

from articles.feeds.importing import PollReport, poll
from articles.models import Feed
from tests.articles.documents import rss
from tests.factories import NOW, make_feed
from tests.servers.http import HttpServer

LATER = NOW + timedelta(hours=1)


def counts(report: PollReport) -> tuple[int, int, int]:
    return report.new, report.updated, report.unchanged


def served(server: HttpServer, *items_: str, path: str = "/feed.xml", **fields: object) -> Feed:
    """A feed of these items that was polled once, at NOW."""
    feed = make_feed(url=server.serve(path, rss(*items_)), **fields)
    poll(feed=feed, now=NOW)
    return feed


def polled_again(server: HttpServer, feed: Feed, *items_: str, path: str = "/feed.xml") -> PollReport:
    server.serve(path, rss(*items_))
    return poll(feed=feed, now=LATER)
