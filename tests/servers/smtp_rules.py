"""What the SMTP server of the tests keeps, and the rules by which it misbehaves."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum


class Stage(Enum):
    """Where in a session a rule takes hold."""

    CONNECT = "connect"  # before the greeting
    EHLO = "ehlo"
    TLS = "tls"  # STARTTLS is answered, the handshake has not begun
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the answer to the DATA command
    BODY = "body"  # after the first bytes of the content, before the final dot
    MESSAGE = "message"  # after the final dot, before the message is kept
    STORED = "stored"  # the message is kept, the answer not yet given


@dataclass(frozen=True)
class Received:
    """A message that the server took: it is kept, whether or not the client came to know."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes  # with CRLF, dots unstuffed, as sent
    at: datetime

    @property
    def parsed(self) -> EmailMessage:
        message = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


@dataclass
class Hold:
    """A rule that stops a session until it is let go: for killing a client at a known point."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout: float = 20) -> None:
        """Until a session stands at this point; raises TimeoutError."""
        if not self.reached.wait(timeout):
            raise TimeoutError("no session has come to this point")

    def release(self) -> None:
        self.released.set()


@dataclass
class Rule:
    """What to do at a stage, for whom, and how often.

    ``after`` matches pass first; of those that follow each ``every``-th is hit, ``times`` in all.
    """

    stage: Stage
    recipient: str | None
    after: int
    times: int | None
    reply: str | None = None
    hangs_up: bool = False
    breaks_tls: bool = False
    delay: float = 0
    hold: Hold | None = None
    every: int = 1
    seen: int = 0

    def takes(self, stage: Stage, recipients: tuple[str, ...]) -> bool:
        if stage is not self.stage or (self.recipient is not None and self.recipient not in recipients):
            return False
        self.seen += 1
        number, rest = divmod(self.seen - self.after, self.every)
        return number > 0 and not rest and (self.times is None or number <= self.times)
