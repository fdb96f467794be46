"""Who an issue is for, set-based: no query and no Python object per reader.

Temporary tables, for as long as one transaction:

- ``offered``: the issue's candidate articles, each a bit of a word;
- ``told``: which of them an earlier edition had, as words of bits;
- ``audience``: a row per active reader: (subscription_id, reader, topics, is_suppressed, received), where ``received``
  are the bits of what they have had, or are about to get.

Readers with equal (topics, received) are one group; the ledger is filled from the audience joined to the groups. The
words are or-ed by the database, so neither the order nor the number of a reader's earlier mails matters. The ORM writes
the selects, this module what Django has no words for (CREATE TEMPORARY TABLE ... AS, bit_or, INSERT ... SELECT); it
runs alike on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.db.models import Exists, F, OuterRef

from newsletter.delivery.models import Campaign, Send
from newsletter.digests.assembly import WORD_BITS, GroupKey
from newsletter.digests.models import EditionItem, Issue, ReaderGroup
from newsletter.digests.selection import Candidate
from newsletter.subscribers.models import Subscription, Suppression

TABLE, OFFERED, TOLD = "delivery_audience", "delivery_offered", "delivery_told"


@contextmanager
def audience(issue: Issue, *, offered: Sequence[Candidate]) -> Iterator[None]:
    """Freeze the issue's readers in the temporary table, for use inside one transaction.

    ``offered``: the issue's candidates; bit *n* of what a reader has received stands for the *n*-th.
    """
    with connection.cursor() as cursor:
        _prepare(cursor)
        words = _tell(cursor, offered)
        _freeze(cursor, issue, words)
        try:
            yield
        finally:
            if not connection.needs_rollback:
                for table in (TABLE, TOLD, OFFERED):
                    cursor.execute(f"DROP TABLE {table}")


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
        is_suppressed=Exists(suppressed),
    )


def groups() -> Counter[GroupKey]:
    """The distinct kinds of readers in the frozen audience, and how many there are of each, suppressed ones apart."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT topics, received, COUNT(CASE WHEN NOT is_suppressed THEN 1 END) FROM {TABLE} "  # noqa: S608
            "GROUP BY topics, received"
        )
        return Counter({GroupKey(topics, received): count for topics, received, count in cursor.fetchall()})


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


# --- the steps of freezing --------------------------------------------------------------------------------------------
class _BitOr:
    """SQLite has no ``bit_or``; PostgreSQL's is the model."""

    def __init__(self) -> None:
        self.bits = 0

    def step(self, bits: int | None) -> None:
        self.bits |= bits or 0

    def finalize(self) -> int:
        return self.bits


def _prepare(cursor: Any) -> None:
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL work_mem = '64MB'")  # a million readers are grouped in memory, not on disk
    else:
        connection.connection.create_aggregate("bit_or", 1, _BitOr)


def _tell(cursor: Any, offered: Sequence[Candidate]) -> int:
    """Fill ``offered`` and ``told``; how many words a reader's bits take."""
    cursor.execute(f"CREATE TEMPORARY TABLE {OFFERED} (article bigint PRIMARY KEY, word integer, bit bigint)")
    rows = [(each.article_id, n // WORD_BITS, 1 << n % WORD_BITS) for n, each in enumerate(offered)]
    cursor.executemany(f"INSERT INTO {OFFERED} VALUES (%s, %s, %s)", rows)  # noqa: S608
    words = -(-len(rows) // WORD_BITS)
    sums = [f", bit_or(CASE WHEN o.word = {n} THEN o.bit ELSE 0 END) AS w{n}" for n in range(words)]
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE {TOLD} AS
        SELECT i.edition_id AS edition {"".join(sums)}
        FROM {EditionItem._meta.db_table} i JOIN {OFFERED} o ON o.article = i.article_id
        GROUP BY i.edition_id
        """  # noqa: S608
    )
    _analyze(cursor, TOLD)
    return words


def _freeze(cursor: Any, issue: Issue, words: int) -> None:
    sql, params = readers(issue).query.sql_with_params()
    if not words:
        cursor.execute(f"CREATE TEMPORARY TABLE {TABLE} AS SELECT r.*, '' AS received FROM ({sql}) r", params)  # noqa: S608
        return
    holding, holding_params = _holding().query.sql_with_params()
    columns = [f"w{n}" for n in range(words)]
    sums = ", ".join(f"bit_or(t.{column}) AS {column}" for column in columns)
    text = " || ',' || ".join(f"CAST(had.{column} AS text)" for column in columns)
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE {TABLE} AS
        WITH r AS MATERIALIZED ({sql}),
        had AS (
            SELECT h.subscriber_id, {sums}
            FROM ({holding}) h JOIN {TOLD} t ON t.edition = h.edition_id
            WHERE h.subscriber_id IN (SELECT reader FROM r)
            GROUP BY h.subscriber_id
        )
        SELECT r.*, COALESCE({text}, '') AS received
        FROM r LEFT JOIN had ON had.subscriber_id = r.reader
        """,  # noqa: S608 - the ORM's selects and names of our own
        [*params, *holding_params],
    )
    _analyze(cursor, TABLE)


def _holding() -> models.QuerySet[Send, Any]:
    """Whose mails count as received: accepted, or still on their way."""
    return Send.objects.holding().order_by().values("subscriber_id", "edition_id")


def _analyze(cursor: Any, table: str) -> None:
    """Nobody gathers statistics of temporary tables but who made them."""
    if connection.vendor == "postgresql":
        cursor.execute(f"ANALYZE {table}")
