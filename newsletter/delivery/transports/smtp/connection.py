"""One connection to the server: a socket that does not block, and the dialogue on it."""

from __future__ import annotations

import ssl
import time

from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.smtp.breaking import what_broke
from newsletter.delivery.transports.smtp.chunked import Chunked
from newsletter.delivery.transports.smtp.dialogue import Decided, Dialogue, Offer, UnsafeStateError
from newsletter.delivery.transports.smtp.opening import Opened
from newsletter.delivery.transports.smtp.options import SmtpOptions
from newsletter.delivery.transports.smtp.pipelined import Pipelined
from newsletter.delivery.transports.smtp.plain import Plain
from newsletter.delivery.transports.smtp.replies import BadReplyError, ReplyReader
from newsletter.delivery.transports.smtp.window import Stopwatch

_READ = 65_536
_PAUSE = 1.0  # seconds; after it the server may have gone
_HESITATION = 0.2  # seconds in which a server that hangs up over a content does so
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class LostError(Exception):
    """The connection is gone, or of no more use."""


class Connection:
    """``is_leaving`` may be set at any time: nothing more is taken then."""

    def __init__(self, opened: Opened, options: SmtpOptions, stopwatch: Stopwatch) -> None:
        self.sock = opened.sock
        self.dialogue = dialogue_for(opened, window=options.window, stopwatch=stopwatch)
        self.answered_count = 0  # messages that the server has taken or refused; kept by whoever judges
        self.is_leaving = False
        self.is_blocked = False  # waiting to write; kept by whoever asks the selector
        self.last_use = time.monotonic()
        self._is_secure = isinstance(opened.sock, ssl.SSLSocket)
        self._timeout = options.timeout
        self._left = options.messages or None
        self._replies = ReplyReader()
        self._written = 0

    @property
    def is_busy(self) -> bool:
        return self.dialogue.stage is not None

    @property
    def is_fresh(self) -> bool:
        """Whether the server has not answered a single message on it."""
        return self.answered_count == 0

    def room(self) -> int:
        """How many messages it takes now."""
        if self.is_leaving or self.dialogue.outbox:
            return 0
        if not self.is_busy and time.monotonic() - self.last_use > _PAUSE:
            self.dialogue.be_careful()
        room = self.dialogue.room()
        return room if self._left is None else min(room, self._left)

    def take(self, message: Outgoing) -> None:
        if not self.is_busy:
            self.last_use = time.monotonic()
        if message.note_held:
            message.note_held(True)  # noqa: FBT003 - that is what it is told
        self.dialogue.take(message)
        if self._left is not None:
            self._left -= 1
            self.is_leaving = self._left == 0

    def go_on(self, now: float) -> None:
        """Let the end of a repeat go if the server has kept listening."""
        dialogue = self.dialogue
        if dialogue.held_back and not dialogue.outbox and now - self.last_use > _HESITATION:
            for transaction in dialogue.under_way():
                if transaction.message.note_held:
                    transaction.message.note_held(False)  # noqa: FBT003
            dialogue.let_go()

    def was_handed_over(self, end: int | None) -> bool:
        """Whether all up to this octet of the stream has left us, and the server may have acted upon it."""
        return end is not None and self._written >= end and not self.dialogue.is_over

    def is_late(self, now: float) -> bool:
        """Whether the answer that is waited for has not come in time."""
        return self.is_busy and now - self.last_use > self._timeout

    def flush(self) -> bool:
        """Write what can be written. Returns whether that was all. Raises LostError."""
        outbox = self.dialogue.outbox
        try:
            while outbox:
                self._shorten(outbox, self._send(outbox))
        except _NOT_NOW:
            return False
        except OSError as error:
            raise LostError(what_broke(error)) from error
        return True

    def receive(self) -> None:
        """Read what is there and tell the dialogue. Raises LostError; what was decided before is kept there."""
        try:
            while True:
                data = self.sock.recv(_READ)
                if not data:
                    raise LostError("the server closed the connection")
                before = self.dialogue.reply_count
                self.dialogue.on_replies(self._replies.feed(data))
                if self.dialogue.reply_count > before:
                    self.last_use = time.monotonic()
                if self.dialogue.is_over:
                    raise LostError("the server ended the session")
                if not self._is_secure:  # TLS may have more in store that select does not see
                    return
        except _NOT_NOW:
            return
        except (OSError, BadReplyError, UnsafeStateError) as error:
            raise LostError(what_broke(error)) from error

    def take_decided(self) -> list[Decided]:
        return self.dialogue.take_decided()

    def _send(self, outbox: list[bytes]) -> int:
        if not self._is_secure:
            return self.sock.sendmsg(outbox[:64])
        if len(outbox) > 1:
            outbox[:] = [b"".join(outbox)]  # few and full records
        return self.sock.send(outbox[0])

    def _shorten(self, outbox: list[bytes], sent: int) -> None:
        self._written += sent
        self.last_use = time.monotonic()
        whole = 0
        for chunk in outbox:
            if sent < len(chunk):
                break
            sent -= len(chunk)
            whole += 1
        del outbox[:whole]
        if sent:
            outbox[0] = outbox[0][sent:]


def dialogue_for(opened: Opened, *, window: int, stopwatch: Stopwatch) -> Dialogue:
    """The fastest that the server offers."""
    offers = opened.extensions.keys()
    offer = Offer("smtputf8" in offers, "8bitmime" in offers, opened.max_size)
    if "pipelining" not in offers:
        return Plain(offer)
    return Chunked(offer, window=window, stopwatch=stopwatch) if "chunking" in offers else Pipelined(offer)
