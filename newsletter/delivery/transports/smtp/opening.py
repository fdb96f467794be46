"""Connecting: the greeting, EHLO, STARTTLS and the log-in, by the standard library, in a thread of its own.

A server that is slow to greet then keeps nothing waiting that is under way on other connections.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from newsletter.delivery.transports.smtp.breaking import what_broke
from newsletter.delivery.transports.smtp.options import SmtpOptions

_MAX_GREETING = 65_536  # octets of all answers until we are in


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that is ready for MAIL: a socket that does not block, and the server's extensions, in lower case."""

    sock: socket.socket
    extensions: dict[str, str]

    @property
    def max_size(self) -> int:
        """Of a message, in octets; 0 if the server names no limit."""
        size = self.extensions.get("size", "").strip()
        return int(size) if size.isascii() and size.isdecimal() else 0


class NotOpenedError(Exception):
    """There is no connection; the text says why, in the server's words if it had any."""


class Opener:
    """Opens connections in the background, and wakes who waits in select: ``waker`` is readable when there is news."""

    def __init__(self, options: SmtpOptions, *, local_hostname: str) -> None:
        self._options = options
        self._local_hostname = local_hostname
        self._done: list[Opened | NotOpenedError] = []
        self._lock = threading.Lock()
        self._is_closed = False
        self.waker, self._bell = socket.socketpair()
        self.waker.settimeout(0)
        self.pending_count = 0

    def start(self) -> None:
        self.pending_count += 1
        threading.Thread(target=self._run, name="smtp-opener", daemon=True).start()

    def collect(self) -> list[Opened | NotOpenedError]:
        """What has come of openings since the last call."""
        with suppress(BlockingIOError):
            self.waker.recv(4096)
        with self._lock:
            collected, self._done = self._done, []
        self.pending_count -= len(collected)
        return collected

    def close(self) -> None:
        """Openings that are still under way close what they get."""
        with self._lock:
            self._is_closed = True
        for each in self.collect():
            if isinstance(each, Opened):
                each.sock.close()
        self.waker.close()
        self._bell.close()

    def _run(self) -> None:
        try:
            result: Opened | NotOpenedError = opened(self._options, local_hostname=self._local_hostname)
        except NotOpenedError as error:
            result = error
        with self._lock:
            if not self._is_closed:
                self._done.append(result)
                self._bell.send(b"!")
            elif isinstance(result, Opened):
                result.sock.close()


def opened(options: SmtpOptions, *, local_hostname: str) -> Opened:
    """A connection that is ready for MAIL. Raises NotOpenedError."""
    client: smtplib.SMTP | None = None
    try:
        client = _client(options, local_hostname)
        client.ehlo_or_helo_if_needed()
        if options.use_tls or (not options.use_ssl and client.has_extn("starttls")):
            client.starttls(context=_tls_context(options))
            client.ehlo()
        if options.username:
            client.login(options.username, options.password)
        return _taken_over(client)
    except (OSError, smtplib.SMTPException) as error:
        if client:
            client.close()
        raise NotOpenedError(what_broke(error)) from error


class _Bounded:
    """A file of replies that ends when they become too many: smtplib would read an endless one to the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _MAX_GREETING

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the server's answer has no end")
        return line

    def close(self) -> None:
        self._file.close()


class _BoundedReplies(smtplib.SMTP):
    """smtplib's client, but for replies that never end."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()


class _BoundedRepliesOverTls(_BoundedReplies, smtplib.SMTP_SSL):
    pass


def _client(options: SmtpOptions, local_hostname: str) -> smtplib.SMTP:
    host, port, timeout = options.host, options.port, options.timeout
    if not options.use_ssl:
        return _BoundedReplies(host, port, local_hostname, timeout)
    # smtplib checks no certificate unless it is given a context
    return _BoundedRepliesOverTls(host, port, local_hostname, timeout=timeout, context=_tls_context(options))


def _taken_over(client: smtplib.SMTP) -> Opened:
    """The socket, without smtplib around it."""
    sock = client.sock
    assert sock
    if client.file:
        client.file.close()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(0)
    return Opened(sock, {name.lower(): value for name, value in client.esmtp_features.items()})


def _tls_context(options: SmtpOptions) -> ssl.SSLContext:
    """Certificates are checked where TLS was asked for; where the server merely offers it, any TLS beats none."""
    context = ssl.create_default_context()
    if not (options.use_tls or options.use_ssl):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
