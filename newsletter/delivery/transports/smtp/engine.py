"""The loop: messages drawn as there is room for them, connections fed and listened to, outcomes handed on."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from newsletter.delivery.outcomes import Fate, Outcome, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.refusals import words
from newsletter.delivery.transports.base import ASK_AGAIN_SECONDS
from newsletter.delivery.transports.smtp.connection import Connection, LostError
from newsletter.delivery.transports.smtp.dialogue import SERVICE_CLOSING, Decided, Stage
from newsletter.delivery.transports.smtp.judging import Judge
from newsletter.delivery.transports.smtp.opening import NotOpenedError, Opener
from newsletter.delivery.transports.smtp.options import SmtpOptions
from newsletter.delivery.transports.smtp.window import Stopwatch
from newsletter.lib.addresses import without_address

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_LOOK_UP_SECONDS = 0.25  # how long to wait for the sockets before looking at the clock and at stop()
_MAX_IDLE_SECONDS = 10.0  # servers close idle connections, and what is written to a closed one is in doubt
_MAX_BARREN = 3  # connections one after the other that died without an answer to a single message
_COME_BACK_SECONDS = 1.0  # how long what came back from a connection waits for another: a person may stop the campaign
_GROW_AGAIN_SECONDS = 30.0  # after a server did not let us have one connection more


class SmtpTransport:
    """A Transport. Connections are opened as they are needed, and kept from one `deliver` to the next."""

    def __init__(self, options: SmtpOptions, *, local_hostname: str) -> None:
        self._options = options
        self._opener = Opener(options, local_hostname=local_hostname)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._opener.waker, _READ)
        self._stopwatch = Stopwatch()
        self._connections: list[Connection] = []
        self._judge = Judge()
        self._source = self._opening_for = _Source(())
        self._at_hand: deque[Outgoing] = deque()  # drawn, and with no connection
        self._came_back_at = 0.0
        self._outcomes: list[Outcome] = []
        self._blamed: set[int] = set()
        self._barren_count = 0
        self._limit = options.connections
        self._grow_at = 0.0
        self._look_up_at = 0.0
        self._down: TransportDownError | None = None
        self._give_up_at: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in list(self._connections):
            self._close(connection, politely=not connection.is_busy)
        self._opener.close()
        self._selector.close()

    def stop(self, *, grace: float) -> None:
        self._give_up_at = time.monotonic() + grace

    def deliver(self, messages: Iterable[Outgoing | None]) -> Iterator[Outcome]:
        self._source, self._down = _Source(messages), None
        self._admit()
        self._close_idle()
        self._listen(0)  # to those who closed meanwhile
        try:
            while self._goes_on():
                self._feed()
                if not self._outcomes:
                    self._wait()
                outcomes, self._outcomes = self._outcomes, []
                yield from outcomes
        finally:
            self._at_hand.clear()
            for connection in [each for each in self._connections if each.is_busy]:
                self._close(connection, politely=False)
        if error := self._judge.refused or self._down or self._source.error:
            raise error

    # --- drawing ------------------------------------------------------------------------------------------------------
    @property
    def _is_ending(self) -> bool:
        """Whether nothing new is begun."""
        return bool(self._judge.refused or self._down or self._give_up_at is not None)

    def _goes_on(self) -> bool:
        if self._outcomes or any(connection.is_busy for connection in self._connections):
            return True
        return not self._is_ending and bool(self._at_hand or not self._source.is_dry)

    def _feed(self) -> None:
        """Draw as many messages as there is room for; where there is none, another connection may help."""
        while not self._outcomes and not self._is_ending and self._has_next():
            connection = next((each for each in self._connections if each.room()), None)
            if connection is None:
                self._grow()
                return
            for _ in range(connection.room()):
                message = self._at_hand.popleft()
                connection.take(message)
                if message.is_repeat or self._is_ending or not self._has_next():
                    break
            self._settle(connection)
            self._flush(connection)
            self._part_from(connection)

    def _has_next(self) -> bool:
        """One may wait long, for a connection; of more, which came back, nobody would ask again who is still to have
        them: they have no outcome then."""
        while len(self._at_hand) > 1 and time.monotonic() > self._came_back_at + _COME_BACK_SECONDS:
            self._at_hand.pop()
        if not self._at_hand and (message := self._source.draw()):
            self._at_hand.append(message)
        return bool(self._at_hand)

    def _come_back(self, message: Outgoing) -> None:
        """It was not handed over: another connection may take it."""
        if len(self._at_hand) <= 1:
            self._came_back_at = time.monotonic()
        self._at_hand.append(message)

    # --- connections --------------------------------------------------------------------------------------------------
    def _grow(self) -> None:
        now = time.monotonic()
        if self._limit < self._options.connections and now >= self._grow_at:
            self._limit = self._options.connections
        # one at a time, and only when those that are there have proven to be of use
        is_proven = not any(each.is_fresh for each in self._connections)
        if is_proven and not self._opener.pending_count and len(self._connections) < self._limit:
            self._opener.start()
            self._opening_for = self._source

    def _admit(self) -> None:
        """Take in the connections that have come about."""
        for each in self._opener.collect():
            if isinstance(each, NotOpenedError):
                if self._opening_for is self._source:  # of an earlier batch it tells nothing about now
                    self._barred(str(each))
                continue
            connection = Connection(each, self._options, self._stopwatch)
            self._connections.append(connection)
            self._selector.register(connection.sock, _READ, connection)

    def _barred(self, response: str, by: Connection | None = None) -> None:
        """The server let us have a connection less than we wanted; if that was the only one, it is down."""
        others = [each for each in self._connections if each is not by and not each.is_leaving]
        if others:
            self._limit = len(others)
            self._grow_at = time.monotonic() + _GROW_AGAIN_SECONDS
        else:
            self._down = self._down or TransportDownError(response)

    def _close_idle(self) -> None:
        oldest = time.monotonic() - _MAX_IDLE_SECONDS
        for connection in [each for each in self._connections if each.last_use < oldest]:
            self._close(connection, politely=True)

    def _close(self, connection: Connection, *, politely: bool) -> None:
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._selector.unregister(connection.sock)
        with suppress(OSError):
            if politely:
                connection.sock.send(b"QUIT\r\n")  # its answer is of no interest
        connection.sock.close()

    # --- waiting ------------------------------------------------------------------------------------------------------
    def _wait(self) -> None:
        """Until a socket has something for us, or it is time to ask for messages again."""
        self._listen(self._source.patience)
        now = time.monotonic()
        if now >= self._look_up_at:
            self._look_up_at = now + _LOOK_UP_SECONDS
            self._look_up(now)

    def _listen(self, seconds: float) -> None:
        began = time.monotonic()
        ready = self._selector.select(seconds)
        self._stopwatch.idle += time.monotonic() - began
        for key, events in ready:
            if key.data is None:
                self._admit()
            else:
                self._attend(key.data, events)

    def _attend(self, connection: Connection, events: int) -> None:
        if events & _READ:
            try:
                connection.receive()
            except LostError as error:
                self._settle(connection)
                self._lose(connection, str(error))
                return
            self._settle(connection)
        if connection.dialogue.outbox or events & _WRITE:
            self._flush(connection)
        self._part_from(connection)

    def _part_from(self, connection: Connection) -> None:
        """Close a connection that takes nothing more, once nothing is under way on it."""
        if connection.is_leaving and not connection.is_busy:
            self._close(connection, politely=True)

    def _look_up(self, now: float) -> None:
        """See to what no socket tells: answers that are late, and the end of the grace after a stop."""
        for connection in list(self._connections):
            if connection.is_late(now):
                self._lose(connection, "the server did not answer in time")
                continue
            connection.go_on(now)
            self._flush(connection)
        if self._give_up_at is not None and now >= self._give_up_at:
            for connection in list(self._connections):
                self._give_up(connection)

    def _flush(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        try:
            is_all = connection.flush()
        except LostError as error:
            with suppress(LostError):  # what it said before it hung up counts
                connection.receive()
            self._settle(connection)
            self._lose(connection, str(error))
            return
        if is_all is connection.is_blocked:
            connection.is_blocked = not is_all
            self._selector.modify(connection.sock, _READ if is_all else _READ | _WRITE, connection)

    # --- what became of them ------------------------------------------------------------------------------------------
    def _settle(self, connection: Connection) -> None:
        """Judge what the dialogue has decided."""
        for decided in connection.take_decided():
            if decided.stage in {Stage.RESET, Stage.MAIL} and (decided.reply.code < 500 or not decided.stage):
                self._not_now(connection, decided)
                continue
            if decided.reply.code != SERVICE_CLOSING and decided.stage is not Stage.ADDRESS:
                connection.answered_count += 1
                self._barren_count = 0
            elif decided.reply.code == SERVICE_CLOSING and connection.is_fresh:
                self._count_barren(words(*decided.reply))
            outcome = self._judge.outcome(decided)
            if outcome:
                self._outcomes.append(outcome)

    def _not_now(self, connection: Connection, decided: Decided) -> None:
        """The server takes nothing from us at present, or nothing more on this connection."""
        self._come_back(decided.message)
        connection.is_leaving = True
        if connection.is_fresh:
            self._barred(words(*decided.reply), connection)

    def _lose(self, connection: Connection, response: str) -> None:
        """The connection is gone. What was handed over and not answered is unknown, the rest is tried elsewhere."""
        dialogue = connection.dialogue
        stage, under_way = dialogue.stage, list(dialogue.under_way())
        self._close(connection, politely=False)
        for transaction in under_way:
            message = transaction.message
            if connection.was_handed_over(transaction.end):
                self._outcomes.append(_outcome(message, Fate.UNKNOWN, response))
            elif transaction is under_way[0] and stage is not None and stage > Stage.MAIL and not dialogue.is_over:
                self._blame(message, connection, response)
            else:
                self._come_back(message)
        if not (under_way and connection.is_fresh):
            return
        if stage in {Stage.RESET, Stage.MAIL} and not dialogue.is_over:
            self._barren_count += 1
            self._barred(response, connection)
        else:
            self._count_barren(response)

    def _count_barren(self, response: str) -> None:
        """A connection ended before it was of any use to anybody."""
        self._barren_count += 1
        if self._barren_count >= _MAX_BARREN:
            self._down = self._down or TransportDownError(response)

    def _give_up(self, connection: Connection) -> None:
        self._close(connection, politely=not connection.is_busy)
        for transaction in connection.dialogue.under_way():
            if connection.was_handed_over(transaction.end):
                response = "the answer was not waited for"
                self._outcomes.append(_outcome(transaction.message, Fate.UNKNOWN, response))

    def _blame(self, message: Outgoing, connection: Connection, response: str) -> None:
        """The connection died over this message, before it was handed over: it has one more try at once."""
        if connection.is_fresh or message.send_pk in self._blamed:
            self._outcomes.append(_outcome(message, Fate.DEFERRED, response))
        else:
            self._blamed.add(message.send_pk)
            self._come_back(message)


class _Source:
    """The caller's messages. What they raise is kept until all that is under way has its outcome."""

    def __init__(self, messages: Iterable[Outgoing | None]) -> None:
        self._messages = iter(messages)
        self._ask_at = 0.0
        self.is_dry = False
        self.error: Exception | None = None

    @property
    def patience(self) -> float:
        """How many seconds to wait before asking again."""
        left = self._ask_at - time.monotonic()
        return left if 0 < left < ASK_AGAIN_SECONDS else _LOOK_UP_SECONDS

    def draw(self) -> Outgoing | None:
        if self.is_dry or (self._ask_at and time.monotonic() < self._ask_at):
            return None
        try:
            message = next(self._messages)
        except StopIteration:
            self.is_dry = True
            return None
        except Exception as error:  # noqa: BLE001 - raised again by deliver
            self.is_dry, self.error = True, error
            return None
        self._ask_at = 0.0 if message else time.monotonic() + ASK_AGAIN_SECONDS
        return message


def _outcome(message: Outgoing, fate: Fate, response: str) -> Outcome:
    return Outcome(message.send_pk, fate, without_address(response, message.recipient)[:500])
