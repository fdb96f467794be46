from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from articles.models import Feed
from newsletter.delivery.models import Send
from newsletter.insights import health, metrics, refreshing
from newsletter.subscribers import counting
from newsletter.subscribers.models import Subscription
from tests.factories import NOW, make_campaign, make_feed, make_send, make_subscription

pytestmark = pytest.mark.django_db
METRICS_QUERIES = 21  # one for each figure or group of figures, however many rows there are


def sample(text: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for found in family.samples:
            if found.name == name and found.labels == labels:
                return found.value
    return None


def test_figures_count_what_is_there(client: Client) -> None:
    make_subscription(status=Subscription.Status.ACTIVE)
    make_subscription(status=Subscription.Status.ENDED, ended_at=NOW)
    make_subscription(status=Subscription.Status.ENDED, ended_at=NOW)
    make_feed(failure_count=4)
    make_feed(status=Feed.Status.GONE, failure_count=9)

    text = client.get("/metrics").text

    assert sample(text, "broadsheet_subscriptions", status="active") == 1
    assert sample(text, "broadsheet_subscriptions", status="ended") == 2
    assert sample(text, "broadsheet_feeds_failing") == 1
    assert sample(text, "broadsheet_feed_failures_in_a_row") == 4
    assert sample(text, "broadsheet_healthy", check="database") == 1


def test_sends_are_those_of_the_last_seven_days() -> None:
    recent = make_campaign(started_at=NOW - timedelta(days=6))
    for _number in range(2):
        make_send(campaign=recent, status=Send.Status.SENT)
    make_send(campaign=make_campaign(started_at=NOW - timedelta(days=8)), status=Send.Status.SENT)

    text = metrics.exposition(now=NOW).decode()

    assert sample(text, "broadsheet_sends", status="sent") == 2
    assert sample(text, "broadsheet_sends", status="failed") == 0


def test_queues_show_how_much_waits_in_the_broker() -> None:
    with health.broker_client() as client:
        client.rpush("campaigns", "one", "two")

    text = metrics.exposition(now=NOW).decode()

    assert sample(text, "broadsheet_queue_length", queue="campaigns") == 2
    assert sample(text, "broadsheet_queue_length", queue="interactive") == 0


def test_it_costs_the_same_however_much_there_is(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _number in range(3):
        make_send(campaign=make_campaign(started_at=timezone.now()))

    with django_assert_num_queries(METRICS_QUERIES):
        metrics.exposition(now=timezone.now())
    with django_assert_num_queries(0):  # counted a moment ago
        metrics.exposition(now=timezone.now())


def test_with_a_token_only_who_knows_it_sees_the_figures(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "open sesame"

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer open"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer open sesame"}).status_code == 200


def test_big_tables_are_not_counted_for_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    subscription = make_subscription(status=Subscription.Status.ACTIVE)
    refreshing.refresh(now=NOW)
    make_subscription(newsletter=subscription.newsletter)
    make_subscription(newsletter=subscription.newsletter, status=Subscription.Status.PAUSED)
    monkeypatch.setattr(counting, "FEW", 0)

    with CaptureQueriesContext(connection) as queries:
        text = metrics.exposition(now=timezone.now()).decode()

    assert sample(text, "broadsheet_subscriptions", status="active") == 1  # as the worker counted
    assert sample(text, "broadsheet_subscriptions", status="paused") == 0
    big = {"subscribers_subscription", "subscribers_suppression", "articles_article", "delivery_send"}
    reads = [query["sql"] for query in queries if any(f'FROM "{table}"' in query["sql"] for table in big)]
    assert all("LIMIT" in sql for sql in reads)
