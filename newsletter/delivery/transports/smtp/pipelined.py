"""RFC 2920 across messages: a content, its dot and the next envelope in one write, so one round trip a message."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.delivery.transports.smtp.dialogue import Dialogue, Offer, Stage, Transaction, UnsafeStateError, is_taken
from newsletter.delivery.transports.smtp.replies import Reply

_GO_ON = 354
_STAGES = (Stage.MAIL, Stage.RCPT, Stage.DATA)


class Pipelined(Dialogue):
    """At most one envelope is out whose DATA is not answered, and one message waits to follow its content."""

    def __init__(self, offer: Offer) -> None:
        super().__init__(offer)
        self._waiting: Transaction | None = None
        self._is_envelope_out = False
        self._is_proven = False  # a message was taken
        self._is_clean = True  # no transaction is open at the server once all that is written is done

    def be_careful(self) -> None:
        self._is_proven = False

    def room(self) -> int:
        if self._waiting or (self._expected and not self._is_proven) or self.is_hesitating:
            return 0
        return 1

    def _take(self, transaction: Transaction) -> None:
        if self._is_envelope_out:
            self._waiting = transaction
        else:
            self._begin(transaction)

    def under_way(self) -> Iterator[Transaction]:
        yield from super().under_way()
        if self._waiting:
            yield self._waiting

    def _begin(self, transaction: Transaction) -> None:
        if not self._is_clean:
            self._write(b"RSET\r\n")
            self._expected.append((Stage.RESET, transaction))
            self._is_clean = True
        self._write(self._envelope(transaction.message) + b"DATA\r\n")
        self._expected += [(stage, transaction) for stage in _STAGES]
        self._is_envelope_out = True

    def _on_reply(self, stage: Stage, transaction: Transaction, reply: Reply) -> None:
        if stage is Stage.DATA:
            self._on_data(transaction, reply)
        elif stage is Stage.CONTENT and is_taken(reply):
            self._is_proven = True
            self._accepted(transaction, reply)
        elif stage in {Stage.CONTENT, Stage.NOTHING}:
            transaction.refuse(stage, reply)
            self._decide(transaction)
        elif not is_taken(reply):
            transaction.refuse(stage, reply)

    def _on_data(self, transaction: Transaction, reply: Reply) -> None:
        self._is_envelope_out = False
        if reply.code != _GO_ON:
            transaction.refuse(Stage.DATA, reply)
            self._is_clean = False
            self._decide(transaction)
        elif transaction.refusal is None:
            self._write_content(transaction)
            self._expected.append((Stage.CONTENT, transaction))
        elif transaction.stage is Stage.RCPT:
            self._write(b".\r\n")  # RFC 2920 section 3.1: allowed though nobody is there to get it
            self._expected.append((Stage.NOTHING, transaction))
        else:
            raise UnsafeStateError("the server goes on after it refused the sender")
        if self._waiting:
            waiting, self._waiting = self._waiting, None
            self._begin(waiting)
