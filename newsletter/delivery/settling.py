"""Writing down what became of sends: by the group, in one statement, and only while the lease on them is still ours."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, transaction

from newsletter.delivery import claiming, outcome_rows, tallies
from newsletter.delivery.claiming import Claim
from newsletter.delivery.journal import Mark
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcome_rows import Row
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.recipients import Recipient
from newsletter.delivery.throttle.groups import group_of
from newsletter.lib.bulk import prefer_indexes
from newsletter.subscribers.models import Suppression
from newsletter.subscribers.suppression import suppress

logger = logging.getLogger(__name__)

SETTLE_EVERY = 2_000  # of one batch; a batch that is done is settled at once
HOLD_ON_EVERY = claiming.LEASE / 6  # where nobody draws from a batch any more, but its answers are still to come
SETTLE_WITHIN = 1.0  # seconds, so that the figures on screen move
PAUSES = (0.2, 1.0, 3.0)  # seconds between tries to write down what the relay has already answered
SPREAD = 0.25  # of the time between two tries of a mail, so that not all come again at once


class _Noted(NamedTuple):
    row: Row
    bad_address: str = ""  # to be suppressed
    fate: Fate | None = None  # None: it was not handed over
    domain_group: str = ""
    is_repeat: bool = False  # accepted after one of which nobody knows


class _OpenPage:
    """A claim, its readers without an outcome, and what was noted of the others and is not in the database yet."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.readers: dict[int, Recipient] = {reader.send_pk: reader for reader in claim.waiting}
        self.noted: list[_Noted] = []
        self.held_at = claim.asked_at


class Ledger:
    """The open pages of one worker: outcomes are noted in the journal at once, and in the database by the group."""

    def __init__(self, campaign: Campaign, *, clock: Callable[[], datetime]) -> None:
        self.settled_count = 0
        self._campaign = campaign
        self._clock = clock
        self._pages: dict[str, _OpenPage] = {}
        self._page_of: dict[int, _OpenPage] = {}
        self._flushed_at = time.monotonic()
        self._has_answers = False

    def open(self, claim: Claim) -> None:
        """Outcomes of this claim's readers may come from now on."""
        page = self._pages[claim.lease] = _OpenPage(claim)
        self._page_of.update(dict.fromkeys(page.readers, page))

    def note(self, outcome: Outcome) -> None:
        """What the relay said. A message that we know nothing of any more is none of ours."""
        page = self._page_of.get(outcome.send_pk)
        reader = page.readers.pop(outcome.send_pk, None) if page else None
        if page is None or reader is None:
            return
        if outcome.fate != Fate.UNKNOWN:  # which is what the journal says of it already
            is_accepted = outcome.fate == Fate.ACCEPTED
            page.claim.journal.mark(outcome.send_pk, Mark.ACCEPTED if is_accepted else Mark.ANSWERED)
        self._keep(page, self._settled(outcome, reader))

    def reader_of(self, send_pk: int) -> Recipient | None:
        """Whose send it is, while it is open here."""
        page = self._page_of.get(send_pk)
        return page.readers.get(send_pk) if page else None

    def put_off(self, reader: Recipient, *, until: datetime) -> None:
        """It is not handed over before then, and that is no attempt."""
        row = Row(reader.send_pk, Send.Status.DEFERRED, reader.reason, "", until)
        self._keep_if_open(row)

    def skip(self, send_pk: int, reason: Send.Reason) -> None:
        """It will not be handed over after all."""
        self._keep_if_open(Row(send_pk, Send.Status.SKIPPED, reason))

    def forget(self, send_pks: list[int]) -> None:
        """These were skipped in the database already."""
        for send_pk in send_pks:
            if page := self._page_of.pop(send_pk, None):
                page.readers.pop(send_pk, None)

    def flush(self) -> None:
        """Settle what was noted. A claim whose lease we lost is left to whoever holds it now."""
        for page in list(self._pages.values()):
            self._persist(partial(self._flush_page, page))
        self._flushed_at = time.monotonic()

    def close(self) -> None:
        """Settle what was noted, and give back what was claimed and not handed over. Nothing is under way any more."""
        self.flush()
        for lease, page in list(self._pages.items()):
            claiming.give_back(page.claim, page.readers.keys())
            del self._pages[lease]
        self._page_of = {}

    def abandon(self) -> None:
        """As if the worker had died: the sweep finds the journals."""
        for page in self._pages.values():
            page.claim.journal.abandon()

    def _keep_if_open(self, row: Row) -> None:
        page = self._page_of.get(row.send_pk)
        if page and page.readers.pop(row.send_pk, None):
            self._keep(page, _Noted(row))

    def _keep(self, page: _OpenPage, noted: _Noted) -> None:
        page.noted.append(noted)
        del self._page_of[noted.row.send_pk]
        if not page.readers or len(page.noted) >= SETTLE_EVERY:
            self._persist(partial(self._flush_page, page))
        elif time.monotonic() > self._flushed_at + SETTLE_WITHIN:
            self.flush()

    def _settled(self, outcome: Outcome, reader: Recipient) -> _Noted:
        group = group_of(reader.email)
        if outcome.fate == Fate.ACCEPTED:
            row = Row(outcome.send_pk, Send.Status.SENT, "", outcome.response, attempts=1)
            is_repeat = reader.reason == Send.Reason.UNKNOWN
            return _Noted(row, fate=outcome.fate, domain_group=group, is_repeat=is_repeat)
        now = self._clock()
        status, reason = verdict(outcome, reader, deadline=deadline(self._campaign), now=now)
        is_put_off = status == Send.Status.DEFERRED
        again_at = retry_at(now=now, attempt_count=reader.attempt_count) if is_put_off else None
        row = Row(outcome.send_pk, status, reason, outcome.response, again_at, attempts=1)
        bad_address = reader.email if reason == Send.Reason.BAD_ADDRESS else ""
        return _Noted(row, bad_address, outcome.fate, group)

    def _persist(self, write: Callable[[], None]) -> None:
        """A database that is away for a moment is asked again: only the journal would know what it never learns."""
        for pause in PAUSES:
            try:
                return write()
            except (OperationalError, InterfaceError):
                logger.warning("campaign %s: outcomes could not be written, trying again", self._campaign.pk)
                time.sleep(pause)
        return write()

    def _flush_page(self, page: _OpenPage) -> None:
        now = self._clock()
        if page.noted:
            try:
                self.settled_count += _write(page, now)
            except (DataError, IntegrityError):
                logger.exception("campaign %s: outcomes could not be written together", self._campaign.pk)
                self.settled_count += _write_one_by_one(page, now)
            if not self._has_answers and any(each.fate not in {None, Fate.UNKNOWN} for each in page.noted):
                self._has_answers = True
                self._campaign.note_answer()
            page.noted, page.held_at = [], now
        if not page.readers:
            claiming.give_back(page.claim, ())
            del self._pages[page.claim.lease]
        elif now >= page.held_at + HOLD_ON_EVERY:
            claiming.hold_on(page.claim, open_count=len(page.readers), now=now)
            page.held_at = now


def _write(page: _OpenPage, now: datetime) -> int:
    with transaction.atomic():
        prefer_indexes()
        if not claiming.hold_on(page.claim, open_count=len(page.readers), now=now):
            logger.warning("the lease on batch %s was lost: %s outcomes dropped", page.claim.batch_pk, len(page.noted))
            return 0
        written = outcome_rows.write([each.row for each in page.noted], now=now)
        tallies.add(
            page.claim.campaign_pk, [(each.domain_group, each.fate) for each in page.noted if each.fate], now=now
        )
        if repeats := sum(each.is_repeat for each in page.noted):
            Campaign(pk=page.claim.campaign_pk).note_repeats(repeats)
        bad = [each for each in page.noted if each.bad_address]
        if bad and not Campaign.objects.waiting_for_a_person().filter(pk=page.claim.campaign_pk).exists():
            for each in bad:
                note = each.row.response[:200]
                suppress(email=each.bad_address, reason=Suppression.Reason.HARD_BOUNCE, note=note, now=now)
    return written


def _write_one_by_one(page: _OpenPage, now: datetime) -> int:
    """One that cannot be written must not stop the others: it is written without the server's words."""
    noted, written = page.noted, 0
    for each in noted:
        page.noted = [each]
        try:
            written += _write(page, now)
        except (OperationalError, InterfaceError):
            raise
        except DatabaseError:
            logger.exception("the server's words about send %s could not be written", each.row.send_pk)
            page.noted = [each._replace(row=each.row._replace(response=""))]
            written += _write(page, now)
    return written


def verdict(outcome: Outcome, reader: Recipient, *, deadline: datetime, now: datetime) -> tuple[Send.Status, str]:
    """The written policy; an unknown outcome is repeated once, with the same Message-ID, and never again.

    At the deadline what may have arrived stays unknown: nobody is said to be without it. Who had their first turn late,
    because the campaign waited or is a long one, is tried for as long as everybody else.
    """
    if outcome.fate == Fate.BAD_ADDRESS:
        return Send.Status.FAILED, Send.Reason.BAD_ADDRESS
    if outcome.fate == Fate.REFUSED:
        return Send.Status.FAILED, Send.Reason.REFUSED
    if outcome.fate == Fate.UNKNOWN and reader.reason == Send.Reason.UNKNOWN:
        return Send.Status.FAILED, Send.Reason.UNKNOWN
    reason = Send.Reason.UNKNOWN if outcome.fate == Fate.UNKNOWN else reader.reason
    if now >= deadline and _was_tried_long(reader.attempt_count):
        return Send.Status.FAILED, Send.Reason.UNKNOWN if reason == Send.Reason.UNKNOWN else Send.Reason.EXPIRED
    return Send.Status.DEFERRED, reason


def retry_at(*, now: datetime, attempt_count: int) -> datetime:
    """When to try a deferred send again: 1, 2, 4 ... 60 minutes, spread by a quarter so that not all come at once."""
    minutes = _minutes_after(attempt_count) * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - spreads load
    return now + timedelta(minutes=minutes)


def deadline(campaign: Campaign) -> datetime:
    """After this a send that was not accepted, and was tried long enough, has failed."""
    return campaign.dated_at + timedelta(hours=settings.SEND_DEADLINE_HOURS)


def _minutes_after(attempt_count: int) -> int:
    return int(min(2 ** min(attempt_count, 6), 60))


def _was_tried_long(attempt_count: int) -> bool:
    """Whether so many tries before this one take as long as the deadline gives, but for their spread."""
    minutes = sum(map(_minutes_after, range(attempt_count)))
    return minutes >= 60 * settings.SEND_DEADLINE_HOURS * (1 - SPREAD)
