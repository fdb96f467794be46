"""Who an issue is for, set-based: no query and no Python object per reader.

A temporary table holds one row per active reader: (subscription_id, reader, topics, received,
is_suppressed). Readers with equal (topics, received) are one group; the ledger is filled from the table joined
to the groups. The ORM writes the selects, this module the two statements that Django has no words for
(CREATE TEMPORARY TABLE ... AS, INSERT ... SELECT); both run alike on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.db.models import Exists, F, OuterRef, Q, Subquery, TextField, Value
from django.db.models.aggregates import StringAgg
from django.db.models.functions import Cast, Coalesce

from newsletter.delivery.models import Campaign, Send
from newsletter.digests.assembly import GroupKey
from newsletter.digests.models import EditionItem, Issue, ReaderGroup
from newsletter.subscribers.models import Subscription, Suppression

TABLE = "delivery_audience"


@contextmanager
def audience(issue: Issue) -> Iterator[None]:
    """Freeze the issue's readers in the temporary table, for use inside one transaction."""
    sql, params = readers(issue).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {TABLE} AS {sql}", params)
        try:
            yield
        finally:
            if not connection.needs_rollback:
                cursor.execute(f"DROP TABLE {TABLE}")


def readers(issue: Issue) -> models.QuerySet[Subscription, Any]:
    """The active subscriptions that the issue is for, suppressed ones included so that the ledger can say so."""
    active = Subscription.objects.filter(newsletter=issue.newsletter_id, status=Subscription.Status.ACTIVE)
    if issue.cadence:
        active = active.filter(cadence=issue.cadence)
    suppressed = Suppression.objects.filter(address_hash=OuterRef("subscriber__address_hash"))
    return active.order_by().values(
        subscription_id=F("pk"),
        reader=F("subscriber_id"),
        topics=F("topic_set_id"),
        received=Coalesce(Subquery(_received(issue)), Value(""), output_field=TextField()),
        is_suppressed=Exists(suppressed),
    )


def groups(issue: Issue) -> list[GroupKey]:
    """The distinct kinds of readers in the frozen audience."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT topics, received FROM {TABLE}")  # noqa: S608 - our own table
        return [GroupKey(topics, received) for topics, received in cursor.fetchall()]


def write_ledger(campaign: Campaign) -> int:
    """One send per reader of the frozen audience, in the order of the editions. Returns how many will be mailed."""
    send, group = Send._meta.db_table, ReaderGroup._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {send} (campaign_id, subscriber_id, subscription_id, edition_id, status, reason, settled_at,
                                response, attempt_count, lease)
            SELECT %s, a.reader, a.subscription_id, CASE WHEN a.is_suppressed THEN NULL ELSE g.edition_id END,
                   CASE WHEN a.is_suppressed OR g.edition_id IS NULL THEN 'skipped' ELSE 'queued' END,
                   CASE WHEN a.is_suppressed THEN 'suppressed' ELSE g.skipped_reason END,
                   CASE WHEN a.is_suppressed OR g.edition_id IS NULL THEN {_timestamp()} END,
                   '', 0, ''
            FROM {TABLE} a
            JOIN {group} g ON g.issue_id = %s AND g.received = a.received
                          AND COALESCE(g.topic_set_id, 0) = COALESCE(a.topics, 0)
            ORDER BY g.edition_id, a.reader
            """,  # noqa: S608 - names of our own tables only
            [campaign.pk, campaign.started_at, campaign.issue_id],
        )
    return campaign.sends.filter(status=Send.Status.QUEUED).count()


def _timestamp() -> str:
    """A parameter that PostgreSQL knows for a time although it stands in a CASE."""
    return "CAST(%s AS timestamp with time zone)" if connection.vendor == "postgresql" else "%s"


def _received(issue: Issue) -> models.QuerySet[Send, Any]:
    """Per reader, the earlier editions with any of the issue's articles that they had or are about to get: "3,17"."""
    telling = EditionItem.objects.filter(article__in=issue.items.values("article")).values("edition")
    theirs = Send.objects.holding().filter(Q(edition__in=telling), subscriber=OuterRef("subscriber"))
    order = F("edition") if connection.features.supports_aggregate_order_by_clause else None
    listed = StringAgg(Cast("edition", TextField()), delimiter=Value(","), order_by=order)
    return theirs.order_by().values("subscriber").annotate(listed=listed).values("listed")
