"""Who an issue is for, set-based: no query and no Python object per reader.

Temporary tables, for as long as one transaction:

- ``offered``: the issue's candidate articles and what was merged into them, each a bit of one of some words;
- ``told``: which of them an edition of another issue had, as words of bits;
- ``readers``: a row per active reader: (reader, topics, is_suppressed, is_capped);
- ``audience``: the same with ``received``, the bits of what they have had, or are about to get, and, where the issue
  carries offers, whether they asked for offers.

Readers with equal (topics, received) are one group; the ledger is filled from the audience joined to the groups. The
words are or-ed by the database, so neither the order nor the number of a reader's earlier mails matters. The ORM writes
the selects, this module what Django has no words for (CREATE TEMPORARY TABLE ... AS, bit_or, INSERT ... SELECT); it
runs alike on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, models
from django.db.models import Case, Exists, F, FilteredRelation, OuterRef, Q, When
from django.db.models.expressions import RawSQL

from articles.writing import merging
from newsletter.delivery import archiving, corrections, having
from newsletter.delivery.capping import PAUSE, waits_as_it_is
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.waves import of_the_day
from newsletter.digests.assembly import IS_SILENT, TAKES_OFFERS, WORD_BITS, GroupKey, tells_the_silent_apart
from newsletter.digests.models import Edition, EditionItem, Issue, ReaderGroup
from newsletter.digests.narrowing import Narrowing
from newsletter.digests.selection import Candidate
from newsletter.subscribers.models import Newsletter, Silence, Subscription, Suppression

TABLE, READERS = "delivery_audience", "delivery_readers"
OFFERED, TOLD = "delivery_offered", "delivery_told"
SILENT = Silence.objects.shortening().order_by()
DENSE = 4  # times as many ids as readers: the ledger is read by the range of ids, and not reader by reader
MANY = 100_000  # readers: from here on, what everybody has had costs no more than what these have had


@dataclass(frozen=True, slots=True)
class Share:
    """Which of an issue's readers have their turn now.

    ``readers``: all of them have ids above ``after`` and, unless it is None, up to ``to``; so the ledger is not asked
    about others. ``fed_up``: a select of the ids of those who have had as many mails today as a day may bring; None:
    there is no such limit. ``has_offers``: the issue carries some, so that those who asked for offers are told apart.
    ``has_silent``: those who have been silent for long get less of it.
    """

    readers: models.QuerySet[Subscription, Any]
    after: int = 0
    to: int | None = None
    fed_up: RawSQL | None = None
    has_offers: bool = False
    has_silent: bool = False


@contextmanager
def audience(issue: Issue, *, offered: Sequence[Candidate], share: Share | None = None) -> Iterator[None]:
    """Freeze the issue's readers, or a share of them, in the temporary table, for use inside one transaction.

    ``offered``: the issue's candidates; bit *n* of what a reader has received stands for the *n*-th.
    """
    with connection.cursor() as cursor:
        _prepare(cursor)
        words = _tell(cursor, issue, offered)
        stories = [candidate.article_id for candidate in offered]
        archiving.bring_back(merging.ids_of_stories(stories))
        if issue.correction:
            archiving.bring_back_corrected(issue.correction)
        besides = having.besides(issue, offered=OFFERED, stories=stories, words=words) if words else []
        share = replace(share or Share(readers(issue)), has_silent=tells_the_silent_apart(issue))
        _freeze(cursor, share, words, besides)
        try:
            yield
        finally:
            if not connection.needs_rollback:
                for table in (TABLE, READERS, TOLD, OFFERED):
                    cursor.execute(f"DROP TABLE IF EXISTS {table}")


def readers(issue: Issue) -> models.QuerySet[Subscription, Any]:
    """The active subscriptions that the issue is for, suppressed ones included so that the ledger can say so."""
    active = Subscription.objects.filter(newsletter=issue.newsletter_id, status=Subscription.Status.ACTIVE)
    if issue.correction:
        return active.filter(pk__in=corrections.recipients(issue.correction, issue.newsletter)).order_by()
    if issue.cadence:
        active = active.filter(cadence=issue.cadence)
    narrowed = Narrowing.of(issue).apply(active, issue.newsletter, at=issue.launched_at or issue.send_at)
    return of_the_day(issue, narrowed).order_by()


def _rows(share: Share) -> models.QuerySet[Subscription, Any]:
    suppressed = Suppression.objects.filter(address_hash=OuterRef("person__address_hash"))
    is_capped = Q(pk__in=[]) if share.fed_up is None else Q(subscriber__in=share.fed_up)
    within = Q(subscriber__id__gt=share.after)  # for the planner: else it reads all people for each share
    if share.to is not None:
        within &= Q(subscriber__id__lte=share.to)
    people = share.readers.annotate(person=FilteredRelation("subscriber", condition=within))
    return people.order_by().values(
        reader=F("subscriber_id"),
        topics=F("topic_set_id"),
        is_suppressed=Exists(suppressed),
        is_capped=Case(When(is_capped, then=True), default=False),
        **({"takes_offers": takes_offers(OuterRef("subscriber"))} if share.has_offers else {}),
        **({"is_silent": Exists(SILENT.filter(subscription=OuterRef("pk")))} if share.has_silent else {}),
    )


def takes_offers(subscriber: Any) -> Exists:
    """Whether this person gets a newsletter of offers: they asked for offers, and may be shown some elsewhere."""
    wanted = Subscription.objects.filter(newsletter__kind=Newsletter.Kind.OFFERS, status=Subscription.Status.ACTIVE)
    return Exists(wanted.filter(subscriber=subscriber))


def new_groups(issue: Issue) -> list[GroupKey]:
    """The distinct kinds of readers in the frozen audience for whom nothing of the issue is planned yet."""
    planned = ReaderGroup._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT a.topics, a.received FROM (SELECT DISTINCT topics, received FROM {TABLE}) a
            LEFT JOIN {planned} g ON g.issue_id = %s AND g.received = a.received
                                 AND COALESCE(g.topic_set_id, 0) = COALESCE(a.topics, 0)
            WHERE g.id IS NULL
            """,  # noqa: S608 - names of our own tables only
            [issue.pk],
        )
        return [GroupKey(topics, received) for topics, received in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Alike:
    """Readers whose outcome is the same."""

    key: GroupKey
    is_suppressed: bool
    is_capped: bool


def tally() -> Counter[Alike]:
    """How many readers of each outcome are in the frozen audience: what ``write_ledger`` would tell apart."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT topics, received, is_suppressed, is_capped, COUNT(*) FROM {TABLE} "  # noqa: S608
            "GROUP BY topics, received, is_suppressed, is_capped"
        )
        rows = cursor.fetchall()
    return Counter(
        {Alike(GroupKey(topics, received), bool(bad), bool(full)): count for topics, received, bad, full, count in rows}
    )


def write_ledger(campaign: Campaign) -> int:
    """One send per reader of the frozen audience, in the readers' order (see Send). Returns how many.

    Who has had enough mail today is skipped, and their articles wait; what has none waits itself, for a day.
    """
    send, group = Send._meta.db_table, ReaderGroup._meta.db_table
    waits = waits_as_it_is(campaign.issue)
    skipped = "a.is_suppressed OR g.edition_id IS NULL" + ("" if waits else " OR a.is_capped")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {send} (campaign_id, subscriber_id, edition_id, status, reason, settled_at, next_attempt_at,
                                response, attempt_count)
            SELECT %s, a.reader, CASE WHEN {skipped} THEN NULL ELSE g.edition_id END,
                   CASE WHEN {skipped} THEN 'skipped' WHEN a.is_capped THEN 'deferred' ELSE 'queued' END,
                   CASE WHEN a.is_suppressed THEN 'suppressed' WHEN g.edition_id IS NULL THEN g.skipped_reason
                        WHEN a.is_capped THEN 'capped' ELSE '' END,
                   CASE WHEN {skipped} THEN {_timestamp()} END,
                   CASE WHEN a.is_capped AND NOT ({skipped}) THEN {_timestamp()} END,
                   '', 0
            FROM {TABLE} a
            JOIN {group} g ON g.issue_id = %s AND g.received = a.received
                          AND COALESCE(g.topic_set_id, 0) = COALESCE(a.topics, 0)
            ORDER BY a.reader
            """,  # noqa: S608 - names of our own tables only
            [campaign.pk, campaign.dated_at, campaign.dated_at + PAUSE, campaign.issue_id],
        )
        return int(cursor.rowcount)


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
        cursor.execute("SET LOCAL jit = off")  # it costs a second and saves none
    else:
        connection.connection.create_aggregate("bit_or", 1, _BitOr)


def _tell(cursor: Any, issue: Issue, offered: Sequence[Candidate]) -> int:
    """Fill ``offered`` and ``told``; how many words a reader's bits take.

    The issue's own editions are left out: who is still to get it has none of them, and in the end they are the most.
    So are those of issues that are being taken back, which nobody gets.
    """
    places = {each.article_id: n for n, each in enumerate(offered)}
    words = range(-(-len(places) // WORD_BITS))
    columns = "".join(f", w{n} bigint" for n in words)
    cursor.execute(f"CREATE TEMPORARY TABLE {OFFERED} (article bigint PRIMARY KEY{columns})")
    stories = merging.ids_of_stories(places)  # who had a duplicate has had the story
    rows = [(pk, *_in_words(places[story], len(words))) for pk, story in stories.items()]
    marks = ", ".join(["%s"] * (1 + len(words)))
    cursor.executemany(f"INSERT INTO {OFFERED} VALUES ({marks})", rows)  # noqa: S608
    _analyze(cursor, OFFERED, "article")
    sums = "".join(f", bit_or(o.w{n}) AS w{n}" for n in words)
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE {TOLD} AS
        SELECT i.edition_id AS edition{sums}
        FROM {EditionItem._meta.db_table} i JOIN {OFFERED} o ON o.article = i.article_id
        WHERE i.edition_id NOT IN (
            SELECT e.id FROM {Edition._meta.db_table} e JOIN (
                SELECT CAST(%s AS bigint) AS id
                UNION ALL SELECT issue_id FROM {Campaign._meta.db_table} WHERE status = %s
            ) AS nobodys ON nobodys.id = e.issue_id
        )
        GROUP BY i.edition_id
        """,  # noqa: S608
        [issue.pk, Campaign.Status.TAKEN_BACK],
    )
    _analyze(cursor, TOLD, "edition")
    return len(words)


def _in_words(place: int, words: int) -> list[int]:
    """A bit at this place, as so many words."""
    return [1 << place % WORD_BITS if place // WORD_BITS == n else 0 for n in range(words)]


def _freeze(cursor: Any, share: Share, words: int, besides: Sequence[having.Source] = ()) -> None:
    sql, params = _rows(share).query.sql_with_params()
    wish = f" || CASE WHEN r.takes_offers THEN '{TAKES_OFFERS}' ELSE '' END" if share.has_offers else ""
    wish += f" || CASE WHEN r.is_silent THEN '{IS_SILENT}' ELSE '' END" if share.has_silent else ""
    if not words:
        cursor.execute(f"CREATE TEMPORARY TABLE {TABLE} AS SELECT r.*, ''{wish} AS received FROM ({sql}) r", params)  # noqa: S608
        return
    cursor.execute(f"CREATE TEMPORARY TABLE {READERS} AS {sql}", params)  # a table, so that it can be analyzed
    _analyze(cursor, READERS, "reader")
    cursor.execute(f"SELECT COUNT(*) FROM {READERS}")  # noqa: S608
    count = cursor.fetchone()[0]
    are_few = count < MANY and (share.to is None or count * DENSE < share.to - share.after)
    only_theirs = f"JOIN {READERS} r ON r.reader = h.subscriber_id" if are_few else ""
    columns = [f"w{n}" for n in range(words)]
    had, had_params = _had(share, columns, only_theirs, besides)
    text = " || ',' || ".join(f"CAST(had.{column} AS text)" for column in columns)
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE {TABLE} AS
        WITH had AS ({had})
        SELECT r.*, COALESCE({text}, ''){wish} AS received
        FROM {READERS} r LEFT JOIN had ON had.reader = r.reader
        """,  # noqa: S608 - the ORM's select and names of our own
        had_params,
    )
    _analyze(cursor, TABLE, "reader")


def _had(
    share: Share, columns: Sequence[str], only_theirs: str, besides: Sequence[having.Source]
) -> tuple[str, list[Any]]:
    """A select of (reader, words of bits), and its parameters: all that the ledger and ``besides`` know of."""
    holding, params = _holding(share).query.sql_with_params()
    told = ", ".join(f"t.{column}" for column in columns)
    sums = ", ".join(f"bit_or(x.{column}) AS {column}" for column in columns)
    mails = (
        f"SELECT h.subscriber_id AS reader, {told} FROM ({holding}) h "  # noqa: S608
        f"JOIN {TOLD} t ON t.edition = h.edition_id {only_theirs}"
    )
    every = " UNION ALL ".join([mails, *(source.sql for source in besides)])
    values = [*params, *(value for source in besides for value in source.params)]
    return f"SELECT x.reader, {sums} FROM ({every}) x GROUP BY x.reader", values  # noqa: S608


def _holding(share: Share) -> models.QuerySet[Send, Any]:
    """Whose mails count as received: accepted, or still on their way."""
    held = Send.objects.sent_or_open().order_by().values("subscriber_id", "edition_id")
    if share.after:
        held = held.filter(subscriber__gt=share.after)
    return held if share.to is None else held.filter(subscriber__lte=share.to)


def _analyze(cursor: Any, table: str, column: str) -> None:
    """Nobody gathers statistics of temporary tables but who made them: how many rows there are, and of one column."""
    if connection.vendor == "postgresql":
        cursor.execute(f"ANALYZE {table} ({column})")
