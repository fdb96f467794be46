"""RFC 3030 with RFC 2920: whole transactions written one behind the other, a window of them under way."""

from __future__ import annotations

from collections import deque

from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.smtp.dialogue import Dialogue, Offer, Stage, Transaction, is_taken
from newsletter.delivery.transports.smtp.replies import Reply
from newsletter.delivery.transports.smtp.window import Moment, Stopwatch, Window

_STAGES = (Stage.RESET, Stage.MAIL, Stage.RCPT, Stage.CONTENT)


class Chunked(Dialogue):
    """Every transaction but the connection's first begins with RSET.

    After a BDAT that failed the state of the server is not known before a RSET (RFC 3030 section 2), and by then more
    is on its way: without it the next content might also go to the recipient of the one that failed.
    """

    def __init__(self, offer: Offer, *, window: int, stopwatch: Stopwatch) -> None:
        super().__init__(offer)
        self._window = Window(window)
        self._stopwatch = stopwatch
        self._written_at: deque[Moment] = deque()  # of each content that has no answer yet
        self._is_proven = False
        self._is_new = True
        self._count = 0

    def be_careful(self) -> None:
        self._window.narrow()
        self._is_proven = False

    def room(self) -> int:
        if self.is_hesitating:
            return 0
        # filled up by the half: fewer and bigger writes
        free = self._window.size - self._count
        return free if free * 2 >= self._window.size else 0

    def _content(self, message: Outgoing) -> bytes:
        data = message.data
        return data if data.endswith(b"\r\n") else data + b"\r\n"

    def _take(self, transaction: Transaction) -> None:
        self._count += 1
        envelope, content = self._envelope(transaction.message), transaction.content
        if self._is_proven:
            self._write_content(transaction, b"RSET\r\n%bBDAT %d LAST\r\n" % (envelope, len(content)))
            self._expected += [(stage, transaction) for stage in _STAGES]
        else:
            assert self._count == 1, "the first goes alone"
            stages = _STAGES[1:3] if self._is_new else _STAGES[:3]
            self._write(envelope if self._is_new else b"RSET\r\n" + envelope)
            self._expected.extend((stage, transaction) for stage in stages)
            self._is_new = False

    def _on_reply(self, stage: Stage, transaction: Transaction, reply: Reply) -> None:
        if stage is Stage.CONTENT:
            self._count -= 1
            took = self._stopwatch.since(self._written_at.popleft())
            if is_taken(reply):
                self._window.note_taken(took, under_way=self._count)
                self._accepted(transaction, reply)
            else:
                transaction.refuse(stage, reply)
                self._decide(transaction)
            return
        if not is_taken(reply):
            transaction.refuse(stage, reply)
        if stage is Stage.RCPT and transaction.end is None:
            self._after_first_envelope(transaction)

    def _write_content(self, transaction: Transaction, before: bytes = b"") -> None:
        super()._write_content(transaction, before)
        self._written_at.append(self._stopwatch.moment())

    def _after_first_envelope(self, transaction: Transaction) -> None:
        self._is_proven = True
        if transaction.refusal:
            self._count -= 1
            self._decide(transaction)
            return
        self._write_content(transaction, b"BDAT %d LAST\r\n" % len(transaction.content))
        self._expected.append((Stage.CONTENT, transaction))
