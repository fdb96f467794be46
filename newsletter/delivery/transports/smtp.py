"""SMTP on top of the standard library's: one connection, many messages, every answer understood.

The messages are finished bytes, so of smtplib only the dialogue is used, never its message handling.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from newsletter.delivery.outcomes import Fate, Outcome, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.refusals import fate_of_recipient, words
from newsletter.lib.addresses import without_address

_SERVICE_CLOSING = 421
_MAX_CONTENT_REFUSALS = 3
_MAX_RECIPIENT_REFUSALS = 10


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """Where and how to connect. ``timeout`` is in seconds and holds for every single answer."""

    host: str
    port: int
    timeout: float = 20
    username: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False


class _Hangup(Exception):
    """The connection is gone; ``was_handed_over`` if the message may have been taken."""

    def __init__(self, text: str, *, was_handed_over: bool) -> None:
        super().__init__(text)
        self.was_handed_over = was_handed_over


class _NotNow(_Hangup):
    """The server takes nothing from us at present, or nothing more on this connection."""

    def __init__(self, text: str) -> None:
        super().__init__(text, was_handed_over=False)


class SmtpTransport:
    """A Transport. A connection that dies is opened again once per message before the server counts as down."""

    def __init__(self, options: SmtpOptions, *, local_hostname: str) -> None:
        self._options = options
        self._local_hostname = local_hostname
        self._connection: smtplib.SMTP | None = None
        self._content_refusals = 0
        self._recipient_refusals = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection and kind is None:
            with suppress(OSError, smtplib.SMTPException):  # everything has its outcome already
                self._connection.quit()
        self._drop()

    def deliver(self, messages: Iterable[Outgoing]) -> Iterator[Outcome]:
        for message in messages:
            outcome = self._deliver(message)
            # the server's words go into the ledger, which outlives the erasure of a person
            yield replace(outcome, response=without_address(outcome.response, message.recipient))

    def _deliver(self, message: Outgoing) -> Outcome:
        was_open = self._connection is not None
        try:
            return self._hand_over(self._open(), message)
        except _Hangup as hangup:
            self._drop()
            if hangup.was_handed_over:
                return Outcome(message.send_pk, Fate.UNKNOWN, str(hangup))
            if not was_open and isinstance(hangup, _NotNow):
                raise TransportDownError(str(hangup)) from hangup
            if not was_open:
                return Outcome(message.send_pk, Fate.DEFERRED, str(hangup))
        return self._deliver(message)  # an idle connection was closed on us: nothing had been handed over

    def _hand_over(self, connection: smtplib.SMTP, message: Outgoing) -> Outcome:
        options = "" if message.recipient.isascii() else " SMTPUTF8"
        if options and not connection.has_extn("smtputf8"):
            return Outcome(message.send_pk, Fate.REFUSED, "the relay cannot mail this address (no SMTPUTF8)")
        self._introduce(connection, message.sender, options)
        code, text = self._ask(connection, f"RCPT TO:<{message.recipient}>")
        if code not in {250, 251}:
            return self._refused_recipient(message, code, text)
        self._recipient_refusals = 0
        code, text = self._ask(connection, "DATA")
        if code != 354:
            return self._refused_data(message, code, text)
        code, text = self._send_data(connection, message.data)
        if code == 250:
            self._content_refusals = 0
            return Outcome(message.send_pk, Fate.ACCEPTED, words(code, text))
        return self._refused_content(message, code, text)

    def _introduce(self, connection: smtplib.SMTP, sender: str, options: str) -> None:
        """MAIL. Whatever goes wrong here is about us or the server, never about the recipient."""
        try:
            code, text = self._ask(connection, f"MAIL FROM:<{sender}>{options}")
        except _Hangup as hangup:
            raise _NotNow(str(hangup)) from hangup
        if code >= 500:
            raise SenderRefusedError(words(code, text))
        if code != 250:
            raise _NotNow(words(code, text))

    def _refused_recipient(self, message: Outgoing, code: int, text: bytes) -> Outcome:
        """RCPT was refused. So many for good in a row are not the readers' fault: a list must not burn."""
        response = words(code, text)
        self._reset(self._connection, code)
        if code >= 500:
            self._recipient_refusals += 1
        if self._recipient_refusals >= _MAX_RECIPIENT_REFUSALS:
            raise SenderRefusedError(response)
        return Outcome(message.send_pk, fate_of_recipient(code, response), response)

    def _refused_data(self, message: Outgoing, code: int, text: bytes) -> Outcome:
        """DATA was refused: for now it may be this recipient (greylisting), for good it is us."""
        if code >= 500:
            raise SenderRefusedError(words(code, text))
        if code == _SERVICE_CLOSING:
            raise _Hangup(words(code, text), was_handed_over=False)
        self._reset(self._connection, code)
        return Outcome(message.send_pk, Fate.DEFERRED, words(code, text))

    def _refused_content(self, message: Outgoing, code: int, text: bytes) -> Outcome:
        """The finished message was refused. Once may be the recipient's own filter; again and again it is us."""
        if code == _SERVICE_CLOSING:
            self._drop()
        if code < 500:
            return Outcome(message.send_pk, Fate.DEFERRED, words(code, text))
        self._content_refusals += 1
        if self._content_refusals >= _MAX_CONTENT_REFUSALS:
            raise SenderRefusedError(words(code, text))
        return Outcome(message.send_pk, Fate.REFUSED, words(code, text))

    def _ask(self, connection: smtplib.SMTP, command: str) -> tuple[int, bytes]:
        try:
            connection.send(command.encode() + b"\r\n")
            code, text = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise _Hangup(_describe(error), was_handed_over=False) from error
        return code, text

    def _send_data(self, connection: smtplib.SMTP, data: bytes) -> tuple[int, bytes]:
        ending = b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            connection.send(data)
        except (OSError, smtplib.SMTPException) as error:
            raise _Hangup(_describe(error), was_handed_over=False) from error
        try:
            connection.send(ending)
            return connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise _Hangup(_describe(error), was_handed_over=True) from error

    def _reset(self, connection: smtplib.SMTP | None, code: int) -> None:
        if code == _SERVICE_CLOSING or connection is None:
            self._drop()
        else:
            self._ask(connection, "RSET")

    def _open(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        options = self._options
        try:
            connection = self._dial()
            connection.ehlo_or_helo_if_needed()
            if options.use_tls or (not options.use_ssl and connection.has_extn("starttls")):
                connection.starttls(context=self._tls_context())
                connection.ehlo()
            if options.username:
                connection.login(options.username, options.password)
        except (OSError, smtplib.SMTPException) as error:
            raise TransportDownError(_describe(error)) from error
        if connection.sock:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _dial(self) -> smtplib.SMTP:
        options, name = self._options, self._local_hostname
        if not options.use_ssl:
            return smtplib.SMTP(options.host, options.port, name, timeout=options.timeout)
        # smtplib checks no certificate unless it is given a context
        return smtplib.SMTP_SSL(options.host, options.port, name, timeout=options.timeout, context=self._tls_context())

    def _tls_context(self) -> ssl.SSLContext:
        """Certificates are checked where TLS was asked for; where the server merely offers it, any TLS beats none."""
        context = ssl.create_default_context()
        if not (self._options.use_tls or self._options.use_ssl):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


def _describe(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return words(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__
