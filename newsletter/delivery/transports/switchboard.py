"""Several transports as one: they share the readers by weight, and stand in for each other.

Turns are taken of so many messages as take about a second, for at the end of each everything that is under way must be
answered. Of the transports that are not left out, those with the lowest order take them, each as often as its weight
says. One that is down or refuses us is left out by all workers; what it had not taken goes back to the queue, and the
next turn is another's: consent is asked again in between.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from django.db import InterfaceError, OperationalError

from newsletter.delivery.models import TransportOutage
from newsletter.delivery.outcomes import Fate, Outcome, RationUsedUpError, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports import outages
from newsletter.delivery.transports.base import Transport

logger = logging.getLogger(__name__)

TURN, LONGEST_TURN = 500, 32_000  # messages, at first and at most
SHORT, LONG = 0.5, 2.0  # seconds: the turn after a shorter one is twice as long, after a longer one half
_MAX_RESPONSE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A transport that may be used: ``order`` 1 goes first, ``weight`` is its share among those of the same order."""

    name: str
    weight: int = 1
    order: int = 1


class Switchboard:
    """A Transport. ``connect`` makes the one with a name. Outcomes begin with the name of the transport they are from.

    If none is left it raises TransportDownError, with the time until the first is tried again, RationUsedUpError if
    that one is being warmed up and has done its day's work, or SenderRefusedError.
    """

    def __init__(
        self, lines: Sequence[Line], *, connect: Callable[[str], Transport], clock: Callable[[], datetime]
    ) -> None:
        self._lines = list(lines)
        self._connect = connect
        self._clock = clock
        self._open: dict[str, Transport] = {}
        self._credit = {line.name: random.random() * TURN for line in lines}  # messages  # noqa: S311 (spreads load)
        self._outages: dict[str, TransportOutage] = {}
        self._refused: dict[str, str] = {}  # by us, in this life: why
        self._resting: dict[str, datetime] = {}  # has handed over all it may today: until when
        self._stop_grace: float | None = None
        self._turn_length = TURN

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in self._open.values():
            transport.__exit__(kind, error, trace)
        self._open.clear()

    def stop(self, *, grace: float) -> None:
        self._stop_grace = grace
        for transport in list(self._open.values()):
            transport.stop(grace=grace)

    def deliver(self, messages: Iterable[Outgoing | None]) -> Iterator[Outcome]:
        source = _Source(messages)
        while not source.is_over and self._stop_grace is None:
            line = self._next()
            try:
                yield from self._turn(line, source)
            except TransportDownError as error:
                self._leave_out(line, error)
                self._expect_another()
            except SenderRefusedError as error:
                self._give_up(line, error)
                self._expect_another()
            except RationUsedUpError as error:
                self._resting[line.name] = error.until
                self._expect_another()

    def _turn(self, line: Line, source: _Source) -> Iterator[Outcome]:
        """Hand over a turn's messages by this transport."""
        began = time.monotonic()
        for outcome in self._transport(line.name).deliver(source.portion(self._turn_length)):
            if outcome.fate == Fate.ACCEPTED and line.name in self._outages:
                self._forget_outage(line.name)
            yield replace(outcome, response=f"{line.name}: {outcome.response}"[:_MAX_RESPONSE])
        took = time.monotonic() - began
        if took < SHORT:
            self._turn_length = min(2 * self._turn_length, LONGEST_TURN)
        elif took > LONG:
            self._turn_length = max(self._turn_length // 2, TURN)

    def _forget_outage(self, name: str) -> None:
        """A database that is away for a moment must not cost us what became of the messages under way."""
        try:
            outages.forget(name)
        except (OperationalError, InterfaceError):
            logger.warning("transport %s is back, which could not be written; trying again", name)
        else:
            del self._outages[name]

    def _next(self) -> Line:
        """Whose turn it is."""
        now, self._outages = self._clock(), outages.known()
        ready = [line for line in self._lines if self._is_usable(line, now)]
        if not ready and all(self._is_refused(line) for line in self._lines):
            # Somebody has let the campaign go on: those that we have not tried since are tried.
            ready = [line for line in self._lines if line.name not in self._refused]
        if not ready:
            raise self._nobody_left(now)
        first = min(line.order for line in ready)
        sharing = [line for line in ready if line.order == first]
        weights = sum(line.weight for line in sharing)
        for line in sharing:
            self._credit[line.name] += self._turn_length * line.weight / weights
        chosen = max(sharing, key=lambda line: self._credit[line.name])
        self._credit[chosen.name] -= self._turn_length
        return chosen

    def _expect_another(self) -> None:
        """Raise if nobody is left: also when nothing is left to send, for what was not taken is back in the queue."""
        now, self._outages = self._clock(), outages.known()
        if not any(self._is_usable(line, now) for line in self._lines):
            raise self._nobody_left(now)

    def _is_usable(self, line: Line, now: datetime) -> bool:
        outage = self._outages.get(line.name)
        if line.name in self._refused or self._resting.get(line.name, now) > now:
            return False
        return outage is None or (outage.until is not None and outage.until <= now)

    def _is_refused(self, line: Line) -> bool:
        outage = self._outages.get(line.name)
        return line.name in self._refused or (outage is not None and outage.until is None)

    def _nobody_left(self, now: datetime) -> Exception:
        waiting = [outage for outage in self._outages.values() if outage.until is not None and outage.until > now]
        mine = [outage for outage in waiting if outage.name in self._credit]
        resting = min(self._resting, key=self._resting.__getitem__, default=None)
        if resting and all(self._resting[resting] <= (outage.until or now) for outage in mine):
            return RationUsedUpError(resting, until=self._resting[resting])
        if mine:
            soonest = min(mine, key=lambda outage: outage.until or now)
            until = (soonest.until or now) - now
            return TransportDownError(f"{soonest.name}: {soonest.reason}", retry_after=until / timedelta(seconds=1))
        name, reason = next(iter(self._refused.items()), (self._lines[0].name, ""))
        return SenderRefusedError(f"{name}: {reason}")

    def _give_up(self, line: Line, error: SenderRefusedError) -> None:
        self._hang_up(line.name, error)
        outages.note_refused(line.name, reason=str(error), now=self._clock())
        self._refused[line.name] = str(error)
        logger.warning("transport %s refuses us and is left out", line.name)

    def _leave_out(self, line: Line, error: TransportDownError) -> None:
        self._hang_up(line.name, error)
        until = outages.note_down(line.name, reason=str(error), retry_after=error.retry_after, now=self._clock())
        logger.warning("transport %s is down and left out until %s", line.name, until)

    def _hang_up(self, name: str, error: Exception) -> None:
        if transport := self._open.pop(name, None):
            with suppress(OSError):
                transport.__exit__(type(error), error, error.__traceback__)

    def _transport(self, name: str) -> Transport:
        """Connections are kept for the next turn. Raises SenderRefusedError if it is not set up."""
        if name not in self._open:
            self._open[name] = self._connect(name).__enter__()
            if self._stop_grace is not None:
                self._open[name].stop(grace=self._stop_grace)
        return self._open[name]


class _Source:
    """The messages, handed out in portions."""

    def __init__(self, messages: Iterable[Outgoing | None]) -> None:
        self._messages = iter(messages)
        self.is_over = False

    def portion(self, count: int) -> Iterator[Outgoing | None]:
        """The next ``count`` messages. What was drawn and not taken is not drawn again: it goes back to the queue."""
        while count > 0:
            try:
                message = next(self._messages)
            except StopIteration:
                self.is_over = True
                return
            if message is not None:
                count -= 1
            yield message
