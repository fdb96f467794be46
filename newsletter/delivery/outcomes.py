"""What may become of a message that is handed over, and of the handing over itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """What became of one message, in order of how much we know."""

    ACCEPTED = "accepted"  # the relay has taken it: it counts as received
    REFUSED = "refused"  # refused for good, for this recipient only
    BAD_ADDRESS = "bad_address"  # refused for good, because there is no such mailbox
    DEFERRED = "deferred"  # to be tried again later
    UNKNOWN = "unknown"  # the connection died between handing over and the answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of the message of one send, with the server's own words."""

    send_pk: int
    fate: Fate
    response: str = ""


class TransportDownError(Exception):
    """Nothing can be sent now, and no recipient is to blame: no connection, no log-in. Worth another try later.

    ``retry_after`` is how many seconds the server asks for; None if it does not say.
    """

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SenderRefusedError(Exception):
    """The server refuses us or what we send, not the recipient. Trying again is no use until a person has looked."""


class RationUsedUpError(Exception):
    """The transport has handed over all that its warm-up plan allows today; it may go on ``until``."""

    def __init__(self, transport: str, *, until: datetime) -> None:
        super().__init__(transport)
        self.transport = transport
        self.until = until
