"""What a campaign's page shows, in a handful of queries whose cost does not grow with its readers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from newsletter.delivery import tallies
from newsletter.delivery.books import Books, books_of, store
from newsletter.delivery.models import Campaign, Send, WarmUp
from newsletter.delivery.tallies import Numbers
from newsletter.delivery.throttle import rations
from newsletter.delivery.throttle.states import Held, status
from newsletter.delivery.transports.registry import names_of
from newsletter.lib.addresses import without_address

MOST_READ = 2_000  # refusals and put-off sends that are read to tell why
MOST_WORDS = 8
MOST_LIMITS = 20
SHOWN_MINUTES = 60
NUMBERS = re.compile(r"[0-9A-Fa-f]{6,}|\b\d+\b(?![.\d])")  # queue ids and counters, which make equal words differ


@dataclass(frozen=True, slots=True)
class Why:
    """What servers said to ``count`` readers' mails; ``is_least`` if there are more than were looked at."""

    words: str
    count: int
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reasons:
    """The most frequent words first. ``total`` sends were looked at, ``is_more`` if that was not all."""

    whys: tuple[Why, ...] = ()
    total: int = 0
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """A campaign at one moment. ``rate`` is readers a second, ``seconds_left`` None while nobody can tell."""

    campaign: Campaign
    books: Books
    groups: Mapping[str, Numbers]
    minutes: tuple[tuple[datetime, int], ...]
    rate: float
    seconds_left: int | None
    deferred: Reasons
    refused: Reasons
    limits: tuple[Held, ...]
    warm_ups: tuple[WarmUp, ...]
    at: datetime

    @property
    def is_moving(self) -> bool:
        return self.campaign.status in {Campaign.Status.SENDING, Campaign.Status.PAUSED}

    @property
    def done(self) -> int:
        return sum(self.books.of(status) for status in (Send.Status.SENT, Send.Status.FAILED, Send.Status.SKIPPED))

    @property
    def expected(self) -> int:
        """With those whose mails are still being created."""
        return self.campaign.expected(self.books.planned)

    @property
    def percent(self) -> int:
        return 100 * self.done // self.expected if self.expected else 0


def figures(campaign: Campaign, *, now: datetime) -> Figures:
    """As the database has it now."""
    groups = tallies.by_group(campaign)
    minutes = tallies.by_minute(campaign, since=now - timedelta(minutes=SHOWN_MINUTES))
    books = _up_to_date(campaign, groups, now=now)
    rate = tallies.rate(minutes, begun_at=campaign.dated_at, now=now)
    is_sending = campaign.status == Campaign.Status.SENDING
    waiting = books.of(Send.Status.QUEUED) + books.of(Send.Status.IN_FLIGHT)
    waiting += campaign.expected(books.planned) - books.planned
    return Figures(
        campaign=campaign,
        books=books,
        groups=groups,
        minutes=tuple(minutes.items()),
        rate=rate if is_sending else 0.0,
        seconds_left=math.ceil(waiting / rate) if is_sending and rate and waiting else None,
        deferred=_deferred(campaign),
        refused=_refused(campaign),
        limits=_limits(campaign, now=now),
        warm_ups=_warm_ups(campaign, now=now),
        at=now,
    )


def _warm_ups(campaign: Campaign, *, now: datetime) -> tuple[WarmUp, ...]:
    """Of the transports that it goes by, as they are today. One query."""
    if campaign.status not in {Campaign.Status.SENDING, Campaign.Status.PAUSED}:
        return ()
    return tuple(rations.states(names_of(campaign.issue.newsletter.slug), now=now))


def _limits(campaign: Campaign, *, now: datetime) -> tuple[Held, ...]:
    """Of a campaign that is on its way: what slows it down now, those that are slowed down first."""
    if campaign.status not in {Campaign.Status.SENDING, Campaign.Status.PAUSED}:
        return ()
    return tuple(sorted(status(campaign, now=now), key=lambda held: held.whole_again_at is None)[:MOST_LIMITS])


def _up_to_date(campaign: Campaign, groups: Mapping[str, Numbers], *, now: datetime) -> Books:
    """Long books are stored once a minute; what was accepted since is known from the tallies.

    In a long campaign's first minute they are counted here, once for whoever looks: this page has to know at once.
    """
    books = books_of([campaign])[campaign.pk]
    if not books.is_known:
        store(campaign, now=now)
        books = books_of([campaign])[campaign.pk]
    if books.counted_at is None:
        return books
    by_status = dict(books.by_status)
    more = min(sum(each.accepted for each in groups.values()) - books.of(Send.Status.SENT), _open(by_status))
    if more > 0:
        by_status[Send.Status.SENT] = by_status.get(Send.Status.SENT, 0) + more
        for status in (Send.Status.IN_FLIGHT, Send.Status.QUEUED, Send.Status.DEFERRED):
            taken = min(more, by_status.get(status, 0))
            by_status[status] = by_status.get(status, 0) - taken
            more -= taken
    return Books(by_status, books.counted_at)


def _open(by_status: Mapping[str, int]) -> int:
    return sum(by_status.get(status, 0) for status in Send.OPEN)


def _deferred(campaign: Campaign) -> Reasons:
    rows = campaign.sends.filter(status=Send.Status.DEFERRED, next_attempt_at__isnull=False).order_by("next_attempt_at")
    values = rows.values_list("response", "reason", "next_attempt_at", "subscriber__email")[: MOST_READ + 1]
    return _reasons((_put_off(response, reason), at, email) for response, reason, at, email in values)


def _refused(campaign: Campaign) -> Reasons:
    rows = campaign.sends.filter(reason__in=Send.FAILED_REASONS, status=Send.Status.FAILED).order_by("-pk")
    return _reasons(
        (_given_up(response, reason), None, email)
        for response, reason, email in rows.values_list("response", "reason", "subscriber__email")[: MOST_READ + 1]
    )


def _put_off(response: str, reason: str) -> str:
    if reason != Send.Reason.UNKNOWN:
        return response
    return _("outcome unknown, to be repeated once: %(words)s") % {"words": response or "–"}


def _given_up(response: str, reason: str) -> str:
    """The server's words; where they are about a connection and no answer, what it was given up for stands before."""
    label = str(Send.Reason(reason).label)
    if not response or reason != Send.Reason.UNKNOWN:
        return response or label
    return f"{label}: {response}"


def _reasons(rows: Iterable[tuple[str, datetime | None, str | None]]) -> Reasons:
    """Readers by what was said of them; what differs only in a number is the same."""
    counts: Counter[str] = Counter()
    said: dict[str, str] = {}
    next_at: dict[str, datetime] = {}
    for words, at, email in rows:
        told = without_address(words, email) if email else words
        key = NUMBERS.sub("#", told)
        counts[key] += 1
        said.setdefault(key, told)
        if at is not None:
            next_at[key] = min(at, next_at.get(key, at))
    whys = (Why(said[key], count, next_at.get(key)) for key, count in counts.most_common(MOST_WORDS))
    total = counts.total()
    return Reasons(tuple(whys), min(total, MOST_READ), is_more=total > MOST_READ)
