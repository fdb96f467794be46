"""The drain: claim a batch, commit, hand it over, settle what the relay said.

Claim: one row is leased for two thousand sends, so that no send is with two workers. Hand over: messages are made when
the transport draws them, batch after batch, so that its connections never run dry. Settle: the journal knows every
answer at once, the database in groups of SETTLE_EVERY, and only while the lease is still ours. After a kill at any
instant the next sweep on that host settles what the journal says was accepted; only what was under way at that instant
may be repeated, with the same Message-ID and Date.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _

from newsletter.delivery import claiming, packing, stopping
from newsletter.delivery.claiming import Claim
from newsletter.delivery.journal import Mark
from newsletter.delivery.letters import LetterBox
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Outcome, RationUsedUpError, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.recipients import Recipient
from newsletter.delivery.settling import Ledger
from newsletter.delivery.throttle import alarms, windows
from newsletter.delivery.throttle.gate import Gate
from newsletter.delivery.transports.base import Transport
from newsletter.delivery.transports.registry import open_transport
from newsletter.lib.dates import day_and_hour
from newsletter.subscribers import live_site

logger = logging.getLogger(__name__)

HANDOVER = timedelta(seconds=1)  # how long what the database said holds: then lease, campaign and consent are asked
RETRY_AFTER = timedelta(seconds=30)
LOOK_BACK_EVERY = 200  # readers that are passed over: then whether one who waits longer may go now
SPARE = 2.0  # seconds that readers of a limited domain wait here beyond the turn, for who is between two turns
KNOWN_ENDS = (TransportDownError, SenderRefusedError, RationUsedUpError)  # all that was handed over has its outcome
LOOK_AROUND = (0.0, 0.2, 0.8)  # seconds before each look whether others get on where we found no place

Clock = Callable[[], datetime]


def drain(campaign: Campaign, *, clock: Clock, seconds: float) -> int:
    """Hand over what is claimable for at most about ``seconds``. Returns how many sends were settled.

    A transport that is down pauses the campaign for a while, unless another worker gets on with it; a server that
    refuses us pauses it until a person acts. Whatever else goes wrong is raised, and pauses it for a while with its
    reason; a database that is away does not.
    """
    if _is_out_of_hours(campaign, clock()) or _is_held_back(campaign, clock()):
        return 0
    turn = Turn(campaign, clock=clock, until=_end_of_turn(campaign, clock(), seconds=seconds))
    try:
        way_out = open_transport(
            newsletter=campaign.issue.newsletter.slug,
            is_urgent=campaign.issue.is_alert,
            seconds_left=turn.seconds_left,
            clock=clock,
        )
        with way_out as transport, stopping.obeyed_by(transport):
            turn.run(transport)
    except RationUsedUpError as error:
        if not claiming.has_work(campaign, now=clock()):  # the day's last mail was its last
            return turn.ledger.settled_count
        at = day_and_hour(error.until, campaign.issue.newsletter.time_zone)
        reason = _("The warm-up of %(transport)s lets no more mails go today. It goes on %(at)s.")
        campaign.pause(reason=reason % {"transport": error.transport, "at": at}, resume_at=error.until)
        logger.info("campaign %s paused until %s: ration used up", campaign.pk, error.until)
    except TransportDownError as error:
        _wait_for_transport(campaign, error, now=clock())
    except SenderRefusedError as error:
        reason = _("The mail server refuses to send for us: %(error)s") % {"error": str(error)[:200]}
        alarms.stop_for_a_person(campaign, reason=reason, now=clock())
        logger.warning("campaign %s paused: sender refused", campaign.pk)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        reason = _("It cannot be sent: %(error)s") % {"error": repr(error)[:200]}
        now = clock()
        campaign.wait(reason=reason, resume_at=now + RETRY_AFTER, now=now)
        raise
    return turn.ledger.settled_count


def _wait_for_transport(campaign: Campaign, error: TransportDownError, *, now: datetime) -> None:
    """Who finds no place while others have theirs leaves it to them: a server allows so many connections in all.

    If it is down for everybody, the last of them has nobody to leave it to: what one held was given back before this.
    """
    if error.retry_after is None and _others_get_on(campaign, now=now):
        logger.info("campaign %s: no connection for this worker, others have theirs", campaign.pk)
        return
    reason = _("The mail server cannot be reached: %(error)s") % {"error": str(error)[:200]}
    pause = max(RETRY_AFTER, timedelta(seconds=error.retry_after or 0))
    campaign.wait(reason=reason, resume_at=now + pause, now=now)
    logger.warning("campaign %s paused: transport down", campaign.pk)


def _others_get_on(campaign: Campaign, *, now: datetime) -> bool:
    """Or nothing is left to get on with. Asked several times: who has a place may be between two batches."""
    for pause in LOOK_AROUND:
        time.sleep(pause)
        if claiming.others_get_on(campaign, now=now) or not claiming.has_work(campaign, now=now):
            return True
    return False


def _is_out_of_hours(campaign: Campaign, now: datetime) -> bool:
    """Outside the newsletter's hours it pauses until they begin; alerts know no hours."""
    newsletter = campaign.issue.newsletter
    opening = None if campaign.issue.is_alert else windows.opens_at(newsletter, now)
    if opening is None:
        return False
    at = day_and_hour(opening, newsletter.time_zone)
    campaign.pause(reason=_("It is outside the newsletter's hours. It goes on %(at)s.") % {"at": at}, resume_at=opening)
    return True


def _is_held_back(campaign: Campaign, now: datetime) -> bool:
    """A copy of the live site, or an older state of it, hands nothing over until a person has decided."""
    reason = live_site.why_no_mail()
    return bool(reason) and campaign.wait(reason=reason[:300], resume_at=now + RETRY_AFTER, now=now)


def _end_of_turn(campaign: Campaign, now: datetime, *, seconds: float) -> datetime:
    end = now + timedelta(seconds=seconds)
    closing = None if campaign.issue.is_alert else windows.closes_at(campaign.issue.newsletter, now)
    return min(end, closing) if closing else end


def _mark_held(claim: Claim, send_pk: int, is_held: bool) -> None:  # noqa: FBT001 - a transport calls it
    claim.journal.mark(send_pk, Mark.HELD if is_held else Mark.DRAWN)


class Turn:
    """One worker's turn at a campaign."""

    def __init__(self, campaign: Campaign, *, clock: Clock, until: datetime) -> None:
        self.ledger = Ledger(campaign, clock=clock)
        self._campaign = campaign
        self._clock = clock
        self._began_at, self._until = clock(), until
        self._held: list[Claim] = []  # whose waiting readers' mail domains get no more for now
        self._holding: set[int] = set()  # these readers' sends
        self._letters = LetterBox(campaign)
        self._gate = Gate(campaign, clock=clock, seconds_left=self.seconds_left)
        self._failure: Exception | None = None
        self._claim_count = 0
        self._due_asked_at = clock()

    def run(self, transport: Transport) -> None:
        """Hand over until the time is up or nothing is left. What goes wrong is raised when the books are in order."""
        try:
            for outcome in transport.deliver(self._messages()):
                self._note(outcome)
        except BaseException as error:
            if isinstance(error, KNOWN_ENDS):
                self._close()
            else:
                self._leave()
            raise
        self._close()
        if self._failure:
            raise self._failure

    def _note(self, outcome: Outcome) -> None:
        """A failure to write ends the turn, but not before the transport has said what became of the others."""
        try:
            if reader := self.ledger.reader_of(outcome.send_pk):
                self._gate.note(outcome, reader.email)
            self.ledger.note(outcome)
        except Exception as error:  # noqa: BLE001 - raised by run
            self._failure = self._failure or error

    def _close(self) -> None:
        try:
            self._gate.close()
            self.ledger.close()
        except Exception as error:  # noqa: BLE001 - raised by run
            self.ledger.abandon()
            self._failure = self._failure or error

    def _leave(self) -> None:
        """Nobody said what became of what was under way: to be treated as if this worker had died."""
        try:
            self._gate.close()
            self.ledger.flush()
        finally:
            self.ledger.abandon()

    def _messages(self) -> Iterator[Outgoing | None]:
        """Everybody's message, batch after batch. A failure ends them: what is under way is finished all the same."""
        try:
            while not self.is_over():
                if claim := self._claim():
                    self.ledger.open(claim)
                    self._letters.refresh()
                    self._gate.refresh()
                    self._letters.prepare(claim.waiting)
                    yield from self._messages_of(claim)
                elif self._held:
                    yield from self._only_held()
                else:
                    return
                yield from self._messages_of_held()
        except Exception as error:  # noqa: BLE001 - raised by run
            self._failure = self._failure or error

    def _claim(self) -> Claim | None:
        """By turns of those that are due again and of those that were never tried.

        While readers are held here, once a second of those due again: they would come a few at a time.
        """
        now = self._clock()
        if alarms.stop_if_refused(self._campaign, now=now):
            return None
        with_due = not self._held or now >= self._due_asked_at + HANDOVER
        if with_due:
            self._due_asked_at = now
            self._claim_count += 1
            if self._claim_count % 2:
                packing.pack_due(self._campaign, now=now)
        return claiming.claim(self._campaign, now=now, with_due=with_due)

    def _messages_of(self, claim: Claim) -> Iterator[Outgoing | None]:
        """Who is left waiting when this ends is held until their mail domain may be sent to again."""
        held: list[Recipient] = []
        passed_over = 0
        while claim.waiting and self._goes_on(claim, held):
            wait = self._gate.admit(claim.waiting[0].email)
            if wait is None:
                if message := self._next_message(claim):
                    yield message
            elif wait.of_domain:
                self._hold_or_put_off(claim, claim.waiting.popleft(), held, seconds=wait.seconds)
                passed_over += 1
                if passed_over % LOOK_BACK_EVERY == 0:
                    yield from self._messages_of_held()
            else:
                yield None
        claim.waiting.extendleft(reversed(held))
        if claim.waiting:
            self._held.append(claim)

    def _goes_on(self, claim: Claim, held: list[Recipient]) -> bool:
        """Asks again for those who wait, and for those who are held, whenever what is known of them is too old."""
        now = self._clock()
        if self._is_over_at(now):
            return False
        if now < claim.asked_at + HANDOVER:
            return True
        claim.waiting.extend(held)
        held.clear()
        if self._ask_again(claim):
            return bool(claim.waiting)
        self._until = now
        return False

    def _next_message(self, claim: Claim) -> Outgoing | None:
        reader = claim.waiting.popleft()
        is_repeat = reader.reason == Send.Reason.UNKNOWN  # until the transport says that it lets it go
        claim.journal.mark(reader.send_pk, Mark.HELD if is_repeat else Mark.DRAWN)
        message = self._letters.message(reader, ledger=self.ledger)
        if message and message.is_repeat:
            return message._replace(note_held=partial(_mark_held, claim, reader.send_pk))
        return message

    def _messages_of_held(self) -> Iterator[Outgoing | None]:
        claims, self._held = self._held, []
        for claim in claims:
            yield from self._messages_of(claim)

    def _only_held(self) -> Iterator[Outgoing | None]:
        """Nothing else is left, for as long as that holds."""
        since = self._clock()
        while self._held and not self.is_over() and self._clock() < since + HANDOVER:
            yield None
            yield from self._messages_of_held()

    def _hold_or_put_off(self, claim: Claim, reader: Recipient, held: list[Recipient], *, seconds: float) -> None:
        """Its domain gets no more for so many seconds: others go first. Who can go in this turn waits here, the others
        are put off until their place in the domain's line. Who was put off before stands at its head."""
        now = self._clock()
        left = max((self._until - now).total_seconds(), 0.0) + SPARE
        place = 0.0
        if reader.send_pk not in self._holding and not (
            claim.has_waited and self._gate.has_room(reader.email, seconds=left)
        ):
            place = max(self._gate.place_in_line(reader.email), seconds)
        if place <= left:
            self._holding.add(reader.send_pk)
            held.append(reader)
        else:
            self.ledger.put_off(reader, until=now + timedelta(seconds=place))

    def _ask_again(self, claim: Claim) -> bool:
        """Show that we live, and learn who left, what was withdrawn, and whether the campaign goes on."""
        before = [reader.send_pk for reader in claim.waiting]
        if alarms.stop_if_refused(self._campaign, now=self._clock()):
            return False
        if not claiming.renew(self._campaign, claim, now=self._clock()):
            return False
        self._gate.refresh()
        still = {reader.send_pk for reader in claim.waiting}
        self.ledger.forget([pk for pk in before if pk not in still])
        self._letters.refresh()
        return True

    def seconds_left(self) -> float:
        """0: nothing more is drawn."""
        now = self._clock()
        return 0.0 if self._is_over_at(now) else (self._until - now).total_seconds()

    def is_over(self) -> bool:
        return self._is_over_at(self._clock())

    def _is_over_at(self, now: datetime) -> bool:
        """A clock that was set back ends the turn: nothing that was asked by it would ever be too old."""
        return self._failure is not None or stopping.is_asked() or not self._began_at <= now < self._until
