"""Everything that happened with a reader, newest first: what they asked for, agreed to, got, and what came back.

Paged by position, not by number, so that a page stays the same while newer things happen. A page costs 12 queries
whatever its length; each reads one person's rows through an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import nlargest
from itertools import chain
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from newsletter.delivery import archive
from newsletter.delivery.models import Send
from newsletter.engagement.models import Event
from newsletter.insights import wording
from newsletter.insights.entries import Entry, Kind, Position
from newsletter.subscribers.models import (
    Change,
    ConsentRecord,
    PersonalMail,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
    WelcomeMail,
)

PAGE_SIZE = 40
type Source = Callable[[Subscriber, Position | None, int], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a timeline, newest first. ``older`` is where the next page begins; None at the end."""

    entries: tuple[Entry, ...]
    older: Position | None = field(default=None)


def page(*, subscriber: Subscriber, before: Position | None = None, size: int = PAGE_SIZE) -> Page:
    """The ``size`` entries that are older than ``before``, or the newest."""
    found = chain.from_iterable(source(subscriber, before, size + 1) for source in SOURCES)
    entries = nlargest(size + 1, found, key=lambda entry: entry.position)
    older = entries[size - 1].position if len(entries) > size else None
    return Page(tuple(entries[:size]), older)


def _sign_ups(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    wanted = Prefetch("subscriptions", Subscription.objects.select_related("newsletter").order_by("pk"))
    rows = _older(SignUp.objects.filter(subscriber=subscriber), Kind.SIGN_UP, "created_at", before)
    for row in rows.prefetch_related(wanted)[:limit]:
        yield wording.sign_up(row)


def _consents(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    rows = ConsentRecord.objects.filter(subscriber=subscriber).select_related("newsletter", "wording")
    for row in _older(rows, Kind.CONSENT, "at", before)[:limit]:
        yield wording.consent(row)


def _sends(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    theirs = Send.objects.filter(subscriber=subscriber)
    dated = theirs.annotate(happened_at=Coalesce("settled_at", "campaign__started_at"))
    rows = _older(dated, Kind.SEND, "happened_at", before).select_related("campaign__issue__newsletter")
    for row in rows[:limit]:
        yield wording.send(row, at=row.happened_at)
    rows_then = archive.of_reader(subscriber)
    archived = (wording.send(row, at=row.settled_at or row.campaign.started_at) for row in rows_then)
    older = (each for each in archived if before is None or each.position < before)
    yield from nlargest(limit, older, key=lambda entry: entry.position)


def _events(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    """What was reported of mails in the ledger, and of the address alone: two queries, each through its index."""
    of_sends = Event.objects.filter(send__subscriber=subscriber)
    of_address = Event.objects.filter(send=None, address_hash=subscriber.address_hash).exclude(address_hash="")
    for rows in (of_sends, of_address):
        related = rows.select_related("send__campaign__issue__newsletter", "link")
        for row in _older(related, Kind.EVENT, "at", before)[:limit]:
            yield wording.event(row)


def _welcomes(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    theirs = WelcomeMail.objects.filter(subscription__subscriber=subscriber)
    dated = theirs.annotate(happened_at=Coalesce("sent_at", "created_at"))
    rows = _older(dated, Kind.WELCOME, "happened_at", before).select_related("subscription__newsletter")
    for row in rows[:limit]:
        yield wording.welcome(row, at=row.happened_at)


def _personal_mails(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    theirs = PersonalMail.objects.filter(subscriber=subscriber)
    for row in _older(theirs, Kind.PERSONAL_MAIL, "created_at", before)[:limit]:
        yield wording.personal_mail(row)


def _changes(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    rows = Change.objects.filter(subscriber=subscriber).select_related("newsletter", "editor")
    found = list(_older(rows, Kind.CHANGE, "at", before)[:limit])
    topics = wording.topic_names(found)
    for row in found:
        yield wording.change(row, topics=topics)


def _suppression(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    rows = Suppression.objects.filter(address_hash=subscriber.address_hash)
    for row in _older(rows, Kind.SUPPRESSION, "created_at", before)[:limit]:
        yield wording.suppression(row)


def _first_seen(subscriber: Subscriber, before: Position | None, limit: int) -> Iterator[Entry]:
    position = Position(subscriber.created_at, Kind.FIRST_SEEN, subscriber.pk)
    if before is None or position < before:
        yield Entry(position, _("We first heard of this address"))


SOURCES: tuple[Source, ...] = (
    _sign_ups, _consents, _welcomes, _personal_mails, _sends, _events, _changes, _suppression, _first_seen,
)  # fmt: skip


def _older(rows: QuerySet[Any], kind: Kind, moment: str, before: Position | None) -> QuerySet[Any]:
    """Newest first, from the position on: entries of one moment are in the order of their kind, then of their key."""
    rows = rows.order_by(f"-{moment}", "-pk")
    if before is None:
        return rows
    same = {
        True: Q(**{moment: before.at}),
        False: Q(pk__in=[]),
    }[kind < before.kind] if kind != before.kind else Q(**{moment: before.at, "pk__lt": before.pk})  # fmt: skip
    return rows.filter(Q(**{f"{moment}__lt": before.at}) | same)


def parse_position(text: str) -> Position | None:
    """A position as ``Position.text`` wrote it; None for anything else."""
    try:
        at, kind, pk = text.split("~")
        return Position(datetime.fromisoformat(at).astimezone(UTC), Kind(int(kind)), int(pk))
    except (ValueError, OverflowError):
        return None
