"""No list of the desk counts to the end or reads a table through: every page is found by an index."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from articles.long_lists import MOST_COUNTED, MOST_ROWS, LongPaginator, count_up_to
from newsletter.delivery import books
from newsletter.delivery.models import Send
from newsletter.digests.admin.issue_items import SentItemInline
from newsletter.digests.models import Issue
from newsletter.insights import refreshing
from newsletter.subscribers import counting
from newsletter.subscribers.models import Label, StoredCount, Subscriber, Subscription
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

BIG = {
    "subscribers_subscriber", "subscribers_subscription", "subscribers_consentrecord", "subscribers_signup",
    "subscribers_suppression", "delivery_send", "engagement_event",
}  # fmt: skip
LISTS = [
    ("subscribers_subscriber", [
        "", "q=reader", "q=zzz", "subscriptions__newsletter__id__exact=1", "subscriptions__status__exact=paused",
        "subscriptions__status__exact=active",
        "subscriptions__newsletter__id__exact=1&subscriptions__status__exact=ended", "labels__id__exact=1",
        "created_at_from=2026-11-01&created_at_to=2026-11-03", "o=1", "o=-3", "p=3", "_facets=True",
    ]),
    ("subscribers_subscription", [
        "", "q=reader", "newsletter__id__exact=1", "status__exact=paused", "status__exact=active", "o=4",
    ]),
    ("subscribers_signup", [
        "", "q=reader", "status__exact=skipped", "skipped_reason__exact=too_soon", "created_at_from=2026-11-01", "o=2",
    ]),
    ("subscribers_consentrecord", [
        "", "q=reader", "newsletter__id__exact=1", "action__exact=withdrawn", "method__exact=editor",
        "at_from=2026-11-01", "o=5",
    ]),
    ("subscribers_suppression", ["", "q=reader", "q=reader1@example.org", "reason__exact=complaint", "o=1"]),
    ("delivery_send", [
        "", "q=reader", "status__exact=failed", "reason__exact=bad_address", "campaign__id__exact=1",
        "subscriber__id__exact=1", "o=3",
    ]),
    ("engagement_event", ["", "q=reader", "kind__exact=complained", "o=5"]),
]  # fmt: skip
CASES = [(name, query) for name, queries in LISTS for query in queries]


@pytest.fixture
def reader(db: None) -> Subscription:
    subscription = factories.make_subscription()
    factories.make_consent(subscription)
    factories.make_sign_up(subscriptions=[subscription])
    subscription.subscriber.labels.add(Label.objects.create(name="press"))
    factories.make_send(subscription=subscription, status=Send.Status.SENT)
    return subscription


def asked(desk: Client, name: str, query: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        response = desk.get(f"{reverse(f'admin:{name}_changelist')}?{query}", follow=True)
    assert response.status_code == 200
    return [each["sql"] for each in queries.captured_queries if each["sql"].startswith("SELECT")]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(("name", "query"), CASES)
def test_no_list_counts_without_a_limit(desk: Client, name: str, query: str) -> None:
    for _number in range(55):  # more than a page, so that the list has to say how many there are
        factories.make_send(status=Send.Status.SENT) if name == "delivery_send" else factories.make_subscription()

    counts = [sql for sql in asked(desk, name, query) if "COUNT(" in sql and any(table in sql for table in BIG)]

    assert [sql for sql in counts if f"LIMIT {MOST_COUNTED + 1}" not in sql] == []


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(("name", "query"), CASES)
def test_every_query_of_a_list_can_be_answered_from_an_index(desk: Client, name: str, query: str) -> None:
    """By the plans: what reads a big table does so through an index, in its order or with a condition.

    With a handful of rows PostgreSQL would rightly read the table; it is told to avoid that where it can.
    """
    read_through = [sql for sql in asked(desk, name, query) if any(_reads_through(sql))]

    assert read_through == []


def _reads_through(sql: str) -> Iterator[bool]:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN " + sql.replace("%", "%%"), [])
            plan = "\n".join(row[0] for row in cursor.fetchall())
            cursor.execute("SET LOCAL enable_seqscan = on")
        yield from (table in BIG for table in re.findall(r"Seq Scan on (\w+)", plan))
        # Nor may an index be walked from end to end: without a condition on it, only a limit ends the walk.
        walks = [node for node in plan.split("->") if "Index Cond" not in node and " LIMIT " not in sql]
        tables = (re.search(r"Index (?:Only )?Scan.* on (\w+)", node) for node in walks)
        yield from (table[1] in BIG for table in tables if table)
    else:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"), [])
            steps = [str(row[3]) for row in cursor.fetchall()]
        # A SCAN in the order of the primary key that ends at the page's limit is how newest first is read.
        is_sorted_by_hand = any("USE TEMP B-TREE FOR ORDER BY" in step for step in steps)
        is_limited = " LIMIT " in sql
        for step in steps:
            table = re.match(r"SCAN (\w+)", step)
            yield bool(table and table[1] in BIG and (is_sorted_by_hand or not is_limited))


def test_gate_finds_a_table_that_is_read_through(reader: Subscription) -> None:
    """The two gates above bite: the ways in which Django's admin would do it are found."""
    with CaptureQueriesContext(connection) as queries:
        list(Subscriber.objects.order_by("name"))
        list(Subscriber.objects.filter(name="x"))

    assert all(any(_reads_through(each["sql"])) for each in queries.captured_queries)


def test_lists_say_how_many_there_are(desk: Client) -> None:
    for _number in range(3):
        factories.make_subscriber()

    text = desk.get(reverse("admin:subscribers_subscriber_changelist")).text

    assert "3 in this list." in text
    assert "10000 results" not in text


def test_count_ends_where_it_is_told_to() -> None:
    for _number in range(5):
        factories.make_subscriber()

    with CaptureQueriesContext(connection) as queries:
        count = count_up_to(Subscriber.objects.all(), 3)

    assert count == 4
    assert "LIMIT 4" in queries.captured_queries[0]["sql"]


def test_big_numbers_are_stored_ones_and_said_to_be_so(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("articles.long_lists.MOST_COUNTED", 1)
    Subscriber.objects.bulk_create(
        Subscriber(email=f"r{n}@example.org", address_key=f"r{n}@example.org", address_hash=str(n)) for n in range(60)
    )
    StoredCount.objects.store({counting.SUBSCRIBERS: 1_000_000}, now=NOW)

    text = desk.get(reverse("admin:subscribers_subscriber_changelist")).text
    filtered = desk.get(reverse("admin:subscribers_subscriber_changelist"), {"q": "r"}).text

    assert "About 1,000,000, counted at" in text
    assert "More than 1 in this list." in filtered


def test_list_ends_somewhere() -> None:
    assert LongPaginator(Subscriber.objects.order_by("pk"), 50).num_pages == MOST_ROWS // 50


def test_worker_stores_what_pages_show() -> None:
    subscription = factories.make_subscription()
    factories.make_subscription(newsletter=subscription.newsletter, status=Subscription.Status.PAUSED)
    send = factories.make_send(status=Send.Status.SENT)

    first = refreshing.refresh(now=NOW)
    second = refreshing.refresh(now=NOW)

    stored = {row.name: row.count for row in StoredCount.objects.all()}
    assert stored["subscribers"] == 3
    assert stored[counting.active_readers(subscription.newsletter)] == 1
    assert stored[f"campaign:{send.campaign_id}:sent"] == 1
    assert first == ["readers", "books", "growth", "articles"]
    assert second == []


def test_books_are_exact_while_they_are_short_and_stored_when_they_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    send = factories.make_send(status=Send.Status.SENT)
    campaign = send.campaign
    live = books.books_of([campaign])[campaign.pk]
    books.store(campaign, now=NOW)
    factories.make_send(campaign=campaign, status=Send.Status.SENT)
    monkeypatch.setattr(books, "MOST_COUNTED", 1)

    stored = books.books_of([campaign])[campaign.pk]

    assert (live.planned, live.counted_at) == (1, None)
    assert (stored.planned, stored.counted_at) == (1, NOW)


def test_long_books_nobody_has_counted_are_counted_for_the_campaigns_own_page(
    monkeypatch: pytest.MonkeyPatch, desk: Client
) -> None:
    monkeypatch.setattr(books, "MOST_COUNTED", 0)
    campaign = factories.make_send(status=Send.Status.SENT).campaign
    assert not books.books_of([campaign])[campaign.pk].is_known

    page = desk.get(reverse("admin:delivery_campaign_change", args=[campaign.pk]))

    assert books.books_of([campaign])[campaign.pk].is_known
    assert "<strong>1</strong> accepted" in page.text


def test_readers_of_newsletters_are_told_exactly_or_about(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many, unknown = (factories.make_newsletter() for _number in range(3))
    factories.make_subscription(newsletter=few)
    StoredCount.objects.store({counting.active_readers(many): 250_000}, now=NOW)

    told = counting.readers_in_words([few, many])
    monkeypatch.setattr(counting, "FEW", 0)
    uncounted = counting.readers_in_words([unknown, few])

    assert told == {few.pk: "1", many.pk: "about 250,000"}
    assert uncounted[few.pk] == "being counted"


def test_articles_of_what_went_out_are_read_a_page_at_a_time_and_all_of_a_draft(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SentItemInline, "per_page", 2)
    articles = [factories.make_article(title=f"Story {number}") for number in range(3)]
    draft = factories.make_issue(articles=articles)
    sent = factories.make_issue(articles=articles, status="approved", approved_at=factories.NOW)
    sent.launch(factories.NOW)

    def told(issue: Issue, query: str = "") -> set[str]:
        page = desk.get(reverse("admin:digests_issue_change", args=[issue.pk]) + query).text
        return {article.title for article in articles if f">{article.title}<" in page}

    assert told(draft) == {"Story 0", "Story 1", "Story 2"}
    assert len(told(sent)) == 2
    assert told(sent) | told(sent, "?items-page=2") == told(draft)
