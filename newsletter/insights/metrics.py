"""Figures for Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import redis
from django.core.cache import cache
from django.db.models import Count, Manager, Max, QuerySet
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from articles.models import Article, Feed
from newsletter.delivery import books
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue
from newsletter.insights import health
from newsletter.subscribers import counting
from newsletter.subscribers.models import StoredCount, Subscription, Suppression
from newsletter.subscribers.shield import tally

ARTICLES = "articles"
QUEUES = (
    "interactive",
    "urgent",
    "sweeps",
    "campaigns",
    "feeds",
)  # in the order in which workers look: what a person waits for first
PROMPT_QUEUES = QUEUES[:2]  # for which a worker of their own is kept: nothing that sweeps is in them
SWEEP_QUEUES = QUEUES[2:3]  # for which another one is kept: a launch of many readers takes its time
WINDOW = timedelta(days=7)
MOST_CAMPAIGNS = 500
KEPT_SECONDS = 15
MAX_AGE = timedelta(minutes=5)
# Figure, help, label, rows, values. What may be big is counted by the worker, and here only while it is small.
STOCKS: tuple[tuple[str, str, str, Manager[Any], list[str]], ...] = (
    (counting.SUBSCRIPTIONS, "Subscriptions.", "status", Subscription.objects, Subscription.Status.values),
    (counting.SUPPRESSIONS, "Addresses that must not be mailed.", "reason", Suppression.objects,
     Suppression.Reason.values),
    (ARTICLES, "Articles.", "status", Article.objects, Article.Status.values),
)  # fmt: skip


def recount(*, now: datetime) -> bool:
    """Count the articles anew if it was last done MAX_AGE ago; readers and books have their own. True if it was."""
    if StoredCount.objects.filter(name__startswith=f"{ARTICLES}:", counted_at__gt=now - MAX_AGE).exists():
        return False
    values = Article.Status.values
    counts = counting.count_by_value(Article.objects.all(), "status", name=ARTICLES, values=values)
    StoredCount.objects.store(counts, now=now)
    return True


def exposition(*, now: datetime) -> bytes:
    """All figures in the text format. Counted at most every KEPT_SECONDS, however many ask."""
    try:
        text = cache.get("metrics")
        if text is None:
            text = _counted(now)
            cache.set("metrics", text, timeout=KEPT_SECONDS)
    except redis.RedisError:
        text = _counted(now)
    assert isinstance(text, bytes)
    return text


def _counted(now: datetime) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(now))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        yield _by_label("sends", "Sends of the campaigns of the last seven days.", "status", self._sends())
        yield _by_label("campaigns", "Campaigns that are not finished.", "status", self._open_campaigns())
        yield _by_label("issues", "Issues of the last seven days.", "status", self._issues())
        for name, about, field, rows, values in STOCKS:
            yield _by_label(name, about, field, counting.by_value(rows.all(), field, name=name, values=values))
        yield _by_label("feeds", "Feeds.", "status", _grouped(Feed.objects.all(), "status"))
        yield from self._feed_failures()
        yield _by_label("queue_length", "Tasks waiting in the broker.", "queue", _queue_lengths())
        yield from self._health()
        yield _counter("sign_up_protection", "What stopped or slowed sign-ups.", "layer", tally.totals())

    def _sends(self) -> dict[str, int]:
        """From the books, which the worker keeps: at most a minute old where they are long."""
        recent = Campaign.objects.filter(started_at__gte=self._now - WINDOW).order_by("-pk")[:MOST_CAMPAIGNS]
        found = books.books_of(recent).values()
        return {status: sum(each.of(status) for each in found) for status in Send.Status.values}

    def _open_campaigns(self) -> dict[str, int]:
        open_statuses = [Campaign.Status.SENDING.value, Campaign.Status.PAUSED.value]
        return dict.fromkeys(open_statuses, 0) | _grouped(Campaign.objects.filter(status__in=open_statuses), "status")

    def _issues(self) -> dict[str, int]:
        rows = Issue.objects.filter(send_at__gte=self._now - WINDOW)
        return dict.fromkeys(Issue.Status.values, 0) | _grouped(rows, "status")

    def _feed_failures(self) -> Iterator[GaugeMetricFamily]:
        failing = Feed.objects.filter(status=Feed.Status.ACTIVE, failure_count__gt=0)
        worst = failing.aggregate(count=Count("pk"), worst=Max("failure_count"))
        yield _single("feeds_failing", "Active feeds whose last poll failed.", worst["count"])
        yield _single("feed_failures_in_a_row", "The most failures in a row of any feed.", worst["worst"] or 0)

    def _health(self) -> Iterator[GaugeMetricFamily]:
        checks = health.examine(now=self._now)
        yield _by_label("healthy", "1 if well.", "check", {check.name: int(check.is_ok) for check in checks})
        ages = {check.name: check.seconds for check in checks if check.seconds is not None}
        yield _by_label("age_seconds", "Age of the last heartbeat and of the oldest due work.", "check", ages)


def _grouped(rows: QuerySet[Any], field: str) -> dict[str, int]:
    return dict(rows.order_by(field).values_list(field).annotate(count=Count("pk")))


def _queue_lengths() -> dict[str, int]:
    client = health.broker_client()
    try:
        return {queue: int(str(client.llen(queue))) for queue in QUEUES}
    except redis.RedisError:
        return {}


def _by_label(name: str, help_text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"broadsheet_{name}", help_text, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def _counter(name: str, help_text: str, label: str, values: Mapping[str, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"broadsheet_{name}", help_text, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def _single(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"broadsheet_{name}", help_text, value=value)
