"""The order of commands and answers on one connection, without the connection.

A dialogue takes messages, says what is to be written, is told the replies, and says of each message at which stage it
was decided. It never waits and knows no policy. The rules of all three kinds:

- The answer to the content decides: a 2yz means that the server has the message, whatever it said before.
- Before anything else the first refusal decides; what a server says to the commands that follow it (503, 554) does not.
- A 421 is the last that the server says: what was pipelined behind it has not been taken.
- On a new or idle connection one message goes first, and its content only when the recipient was accepted, so that a
  server that does not want us costs nobody an unknown.
- A message that is repeated because its outcome is unknown goes alone, and its last octets are held back for a moment:
  a server that hangs up over it has not got it, and that is known this time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.refusals import words
from newsletter.delivery.transports.smtp.replies import BadReplyError, Reply

SERVICE_CLOSING = 421
_TAIL = 3  # octets: without them neither a dot nor a chunk is complete
_NO_SMTPUTF8 = Reply(550, b"5.6.7 the relay cannot mail this address (no SMTPUTF8)")
_TOO_LARGE = Reply(552, b"5.3.4 larger than the relay takes")


class Stage(IntEnum):
    """What a reply answers, in the order of a transaction."""

    ADDRESS = -1  # nothing was asked: the server cannot mail such an address
    RESET = 0
    MAIL = 1
    RCPT = 2
    DATA = 3  # only if the content follows a DATA
    CONTENT = 4
    NOTHING = 5  # the lone dot after a DATA that was allowed though there is no recipient


class Decided(NamedTuple):
    """A message and the reply that settles it; at CONTENT a 2yz is acceptance, everything else a refusal."""

    message: Outgoing
    stage: Stage
    reply: Reply


class Transaction:
    """A message under way."""

    __slots__ = ("content", "end", "message", "refusal", "stage")

    def __init__(self, message: Outgoing, content: bytes) -> None:
        self.message = message
        self.content = content  # as it is written
        self.end: int | None = None  # where in the stream the last octet of the message is, if it was written at all
        self.refusal: Reply | None = None  # the first
        self.stage = Stage.CONTENT  # of the refusal

    def refuse(self, stage: Stage, reply: Reply) -> None:
        if self.refusal is None:
            self.refusal, self.stage = reply, stage


class UnsafeStateError(Exception):
    """The server is in a state in which a message could reach the wrong reader: hang up."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What of a server's extensions changes the dialogue."""

    smtputf8: bool = False
    eight_bit: bool = False
    max_size: int = 0  # of a message, in octets; 0 if the server names no limit


class Dialogue:
    """What plain, pipelined and chunked have in common: the queue of the answers that are expected."""

    def __init__(self, offer: Offer) -> None:
        self.outbox: list[bytes] = []  # to be written, in order; whoever writes it empties it
        self.queued = 0  # octets ever put into the outbox
        self.reply_count = 0
        self.is_over = False  # the server has said its last: what is under way has not been taken
        self.held_back = b""  # the end of a repeat's content
        self._offer = offer
        self._expected: deque[tuple[Stage, Transaction]] = deque()
        self._decided: list[Decided] = []

    @property
    def stage(self) -> Stage | None:
        """What is waited for; None if nothing is under way."""
        return self._expected[0][0] if self._expected else None

    def room(self) -> int:
        """How many more messages may be taken now."""
        raise NotImplementedError

    @property
    def is_hesitating(self) -> bool:
        """Whether a repeat is under way: nothing else is taken."""
        return any(transaction.message.is_repeat for transaction in self.under_way())

    def let_go(self) -> None:
        """Write what was held back."""
        self.outbox.append(self.held_back)
        self.held_back = b""

    def take(self, message: Outgoing) -> None:
        """Begin with a message, or decide it at once if the server cannot have it."""
        if not (self._offer.smtputf8 or message.recipient.isascii()):
            self._decided.append(Decided(message, Stage.ADDRESS, _NO_SMTPUTF8))
            return
        content = self._content(message)
        if self._offer.max_size and len(content) > self._offer.max_size:
            self._decided.append(Decided(message, Stage.CONTENT, _TOO_LARGE))
        else:
            self._take(Transaction(message, content))

    def on_replies(self, replies: Iterable[Reply]) -> None:
        """Raises BadReplyError for a reply to nothing, UnsafeStateError."""
        for reply in replies:
            if not self._expected:
                raise BadReplyError(words(*reply))
            stage, transaction = self._expected[0]
            self.reply_count += 1
            if reply.code == SERVICE_CLOSING:
                transaction.refuse(stage, reply)
                self._decide(transaction)
                self._expected = deque(each for each in self._expected if each[1] is not transaction)
                self.is_over = True
                return
            if stage is Stage.CONTENT and reply.code // 100 == 3:  # neither taken nor refused
                raise BadReplyError(words(*reply))
            self._on_reply(stage, transaction, reply)
            self._expected.popleft()

    def be_careful(self) -> None:
        """Let one message go first again."""

    def take_decided(self) -> list[Decided]:
        """What was decided since the last call."""
        decided, self._decided = self._decided, []
        return decided

    def under_way(self) -> Iterator[Transaction]:
        """In the order of the stream: what is taken and not decided."""
        seen = None
        for _stage, transaction in self._expected:
            if transaction is not seen:
                seen = transaction
                yield transaction

    def _content(self, message: Outgoing) -> bytes:
        """As it follows DATA, with the final dot."""
        content = message.stuffed
        return content + (b".\r\n" if content.endswith(b"\r\n") or not content else b"\r\n.\r\n")

    def _take(self, transaction: Transaction) -> None:
        raise NotImplementedError

    def _on_reply(self, stage: Stage, transaction: Transaction, reply: Reply) -> None:
        raise NotImplementedError

    def _write(self, *chunks: bytes) -> None:
        self.outbox.extend(chunks)
        self.queued += sum(map(len, chunks))

    def _write_content(self, transaction: Transaction, before: bytes = b"") -> None:
        """All of it, or all but its end if it is a repeat."""
        content = transaction.content
        self._write(before, content)
        transaction.end = self.queued
        if transaction.message.is_repeat:
            self.outbox[-1], self.held_back = content[:-_TAIL], content[-_TAIL:]

    def _envelope(self, message: Outgoing) -> bytes:
        """MAIL and RCPT."""
        if message.recipient.isascii():
            # what a letter makes is ASCII unless the address is not
            options = "" if message.finished.isascii() or not self._offer.eight_bit else " BODY=8BITMIME"
        else:
            options = " SMTPUTF8 BODY=8BITMIME" if self._offer.eight_bit else " SMTPUTF8"
        return f"MAIL FROM:<{message.sender}>{options}\r\nRCPT TO:<{message.recipient}>\r\n".encode()

    def _accepted(self, transaction: Transaction, reply: Reply) -> None:
        self._decided.append(Decided(transaction.message, Stage.CONTENT, reply))

    def _decide(self, transaction: Transaction) -> None:
        """It was refused."""
        assert transaction.refusal
        self._decided.append(Decided(transaction.message, transaction.stage, transaction.refusal))


def is_taken(reply: Reply) -> bool:
    return 200 <= reply.code < 300
