"""RFC 5321 to the letter: one command, one answer. For servers that offer no PIPELINING."""

from __future__ import annotations

from newsletter.delivery.transports.smtp.dialogue import Dialogue, Offer, Stage, Transaction, is_taken
from newsletter.delivery.transports.smtp.replies import Reply

_GO_ON = 354


class Plain(Dialogue):
    """One message at a time."""

    def __init__(self, offer: Offer) -> None:
        super().__init__(offer)
        self._is_clean = True

    def room(self) -> int:
        return 0 if self._expected else 1

    def _take(self, transaction: Transaction) -> None:
        if self._is_clean:
            self._ask(Stage.MAIL, transaction)
        else:
            self._ask(Stage.RESET, transaction)

    def _ask(self, stage: Stage, transaction: Transaction) -> None:
        if stage is Stage.CONTENT:
            self._write_content(transaction)
        elif stage is Stage.RESET:
            self._write(b"RSET\r\n")
        elif stage is Stage.DATA:
            self._write(b"DATA\r\n")
        else:
            mail, rcpt, _end = self._envelope(transaction.message).split(b"\r\n")
            self._write((mail if stage is Stage.MAIL else rcpt) + b"\r\n")
        self._expected.append((stage, transaction))

    def _on_reply(self, stage: Stage, transaction: Transaction, reply: Reply) -> None:
        is_fine = reply.code == _GO_ON if stage is Stage.DATA else is_taken(reply)
        if is_fine and stage is Stage.CONTENT:
            self._accepted(transaction, reply)
        elif is_fine:
            self._is_clean = False
            self._ask(Stage(stage + 1), transaction)
        else:
            transaction.refuse(stage, reply)
            self._decide(transaction)
        if stage is Stage.CONTENT:
            self._is_clean = True
