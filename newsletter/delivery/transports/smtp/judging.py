"""The policy: what a server's answer means for the reader, and when it is about us instead.

As many refusals in a row as the limits say are not the readers' fault: a list must not burn. From then on no refusal is
held against anybody; what was refused stays without an outcome and goes back to the queue.
"""

from __future__ import annotations

from newsletter.delivery.outcomes import Fate, Outcome, SenderRefusedError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.refusals import fate_of_recipient, words
from newsletter.delivery.transports.smtp.dialogue import Decided, Stage
from newsletter.delivery.transports.smtp.replies import Reply
from newsletter.lib.addresses import without_address

_MAX_CONTENT_REFUSALS = 3
_MAX_RECIPIENT_REFUSALS = 10


class Judge:
    """For all connections of a transport together."""

    def __init__(self) -> None:
        self.refused: SenderRefusedError | None = None  # once it is us whom the server refuses
        self._content_refusals = 0
        self._recipient_refusals = 0
        self._last_reply: Reply | None = None
        self._last_words = ""

    def outcome(self, decided: Decided) -> Outcome | None:
        """None if the answer says nothing about this reader."""
        message, stage, reply = decided
        response = self._words(message, reply)
        if stage is Stage.CONTENT:
            return self._content(message, reply.code, response)
        if stage is Stage.ADDRESS:
            return Outcome(message.send_pk, Fate.REFUSED, response)
        if stage is Stage.RCPT:
            return self._recipient(message, reply.code, response)
        if reply.code >= 500:  # MAIL, or DATA before any content
            self._refuse(response)
            return None
        return Outcome(message.send_pk, Fate.DEFERRED, response)

    def _content(self, message: Outgoing, code: int, response: str) -> Outcome | None:
        self._recipient_refusals = 0
        if 200 <= code < 300:
            self._content_refusals = 0
            return Outcome(message.send_pk, Fate.ACCEPTED, response)
        if code < 500:
            return Outcome(message.send_pk, Fate.DEFERRED, response)
        # Once may be the recipient's own filter; again and again it is us.
        self._content_refusals += 1
        if self.refused or self._content_refusals >= _MAX_CONTENT_REFUSALS:
            self._refuse(response)
            return None
        return Outcome(message.send_pk, Fate.REFUSED, response)

    def _recipient(self, message: Outgoing, code: int, response: str) -> Outcome | None:
        if code >= 500:
            self._recipient_refusals += 1
            if self.refused or self._recipient_refusals >= _MAX_RECIPIENT_REFUSALS:
                self._refuse(response)
                return None
        return Outcome(message.send_pk, fate_of_recipient(code, response), response)

    def _refuse(self, response: str) -> None:
        self.refused = self.refused or SenderRefusedError(response)

    def _words(self, message: Outgoing, reply: Reply) -> str:
        """The ledger keeps them, and outlives the erasure of a person."""
        if reply != self._last_reply:
            self._last_reply, self._last_words = reply, words(*reply)
        response = self._last_words
        return without_address(response, message.recipient) if "@" in response else response
