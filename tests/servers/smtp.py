"""A real SMTP server on loopback that keeps what it accepts and misbehaves as it is told.

    with SmtpServer() as server:
        server.refuse(Stage.RCPT, "550 5.1.1 no such user", recipient="gone@example.org")
        server.hang_up(Stage.BODY, after=3, times=1)
        ...
        server.wait_for(2)
        assert server.messages[0].recipients == ("ada@example.org",)

``python -m tests.servers.smtp --port 2525`` runs it as a process that prints one JSON line per accepted message.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.smtp_rules import Hold, Received, Rule, Stage
from tests.servers.smtp_session import HungUp, Session

__all__ = ["Hold", "Received", "SmtpServer", "Stage"]


class SmtpServer:
    """Threaded, thread-safe, one thread a connection. ``port=0`` takes a free one, which start() keeps after stop()."""

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        port: int = 0,
        extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "PIPELINING"),
        max_size: int = 10_000_000,
        credentials: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        goes_on_without_recipients: bool = False,
        messages_per_connection: int = 1_000_000,
        enough: str = "421 4.7.0 enough on this connection",
        most_connections: int = 1_000_000,
        on_message: Callable[[Received], None] | None = None,
    ) -> None:
        self.port = port
        self.extensions = extensions
        self.max_size = max_size
        self.credentials = credentials
        self.tls = tls  # offered as STARTTLS
        self.goes_on_without_recipients = goes_on_without_recipients  # as RFC 2920 section 3.1 allows after DATA
        self.messages_per_connection = messages_per_connection
        self.enough = enough  # the reply to one MAIL more
        self.most_connections = most_connections  # at the same time; one more is greeted with 421
        self.turned_away_count = 0
        self.connection_count = 0
        self._on_message = on_message
        self._changed = threading.Condition()
        self._messages: list[Received] = []
        self._commands: list[str] = []
        self._rules: list[Rule] = []
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self._connections: set[socket.socket] = set()
        self.stopping = threading.Event()

    # --- what happened ------------------------------------------------------------------------------------------------
    @property
    def url(self) -> str:
        """For MAILER_URL."""
        return f"smtp://{self.host}:{self.port}"

    @property
    def messages(self) -> list[Received]:
        """All that was kept, in order."""
        with self._changed:
            return list(self._messages)

    @property
    def commands(self) -> list[str]:
        """Every command line of every session, as it came in."""
        with self._changed:
            return list(self._commands)

    def recipients(self) -> list[str]:
        """The recipients of all that was kept, in order, with repeats."""
        return [recipient for message in self.messages for recipient in message.recipients]

    def wait_for(self, count: int, timeout: float = 20) -> list[Received]:
        """The messages, once there are at least ``count``; raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._messages) >= count, timeout):
                raise TimeoutError(f"{len(self._messages)} of {count} messages after {timeout} s")
            return list(self._messages)

    # --- misbehavior --------------------------------------------------------------------------------------------------
    def refuse(
        self,
        stage: Stage,
        reply: str,
        *,
        recipient: str | None = None,
        after: int = 0,
        times: int | None = None,
        every: int = 1,
    ) -> None:
        """Answer with this line; a 421 also closes the connection. It may be no reply at all ("banana")."""
        self._add(Rule(stage, recipient, after, times, reply=reply, every=every))

    def hang_up(self, stage: Stage, *, recipient: str | None = None, after: int = 0, times: int | None = None) -> None:
        """Close the connection without a word."""
        self._add(Rule(stage, recipient, after, times, hangs_up=True))

    def break_tls(self, stage: Stage, *, after: int = 0, times: int | None = None) -> None:
        """Send what is no TLS, below the TLS that is spoken or expected, and close the connection."""
        self._add(Rule(stage, None, after, times, breaks_tls=True))

    def slow_down(
        self, stage: Stage, seconds: float, *, recipient: str | None = None, after: int = 0, times: int | None = None
    ) -> None:
        """Wait this long, then go on as usual."""
        self._add(Rule(stage, recipient, after, times, delay=seconds))

    def hold(self, stage: Stage, *, recipient: str | None = None, after: int = 0, times: int | None = 1) -> Hold:
        """Stop there until the returned Hold is released."""
        hold = Hold()
        self._add(Rule(stage, recipient, after, times, hold=hold))
        return hold

    def behave(self) -> None:
        """Forget all rules; sessions that are held go on."""
        with self._changed:
            rules, self._rules = self._rules, []
        for rule in rules:
            if rule.hold:
                rule.hold.release()

    def forget(self) -> None:
        """Forget messages, commands and rules."""
        self.behave()
        with self._changed:
            self._messages.clear()
            self._commands.clear()
            self.connection_count = 0

    def _add(self, rule: Rule) -> None:
        with self._changed:
            self._rules.append(rule)

    # --- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> Self:
        self.stopping.clear()
        self._listener = socket.create_server((self.host, self.port))
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)
        return self

    def stop(self) -> None:
        """Refuse new connections and cut the open ones; what was kept stays. A session that is held hears no more."""
        self.stopping.set()
        if self._listener:
            # shutdown wakes the thread that waits in accept()
            _cut(self._listener)
            self._listener.close()
        with self._changed:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            _cut(connection)
        self.behave()
        for thread in threads:
            thread.join(5)
        self._threads.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _spawn(self, target: Callable[[socket.socket], None], argument: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(argument,), daemon=True)
        with self._changed:
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]
            thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self.stopping.is_set():
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with self._changed:
                if self.stopping.is_set():  # after stop() has cut those that there were
                    connection.close()
                    return
                self.connection_count += 1
                self._connections.add(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(self, connection)
        try:
            if self._is_one_too_many():
                session.reply("421 4.7.0 too many connections")
            else:
                session.run()
        except (OSError, HungUp):
            pass  # the client has gone, or we have: both are ordinary here
        finally:
            with self._changed:
                self._connections.discard(session.connection)
            session.connection.close()  # which TLS may have put in the place of the first

    def _is_one_too_many(self) -> bool:
        with self._changed:
            is_it = len(self._connections) > self.most_connections
            self.turned_away_count += is_it
        return is_it

    # --- for the sessions ---------------------------------------------------------------------------------------------
    def rule_for(self, stage: Stage, recipients: tuple[str, ...]) -> Rule | None:
        with self._changed:
            # every rule counts what it sees, so no short-circuit
            taking = [rule for rule in self._rules if rule.takes(stage, recipients)]
        return taking[0] if taking else None

    def renew(self, old: socket.socket, new: socket.socket) -> None:
        """A connection has got TLS around it."""
        with self._changed:
            self._connections.discard(old)
            self._connections.add(new)

    def log(self, command: str) -> None:
        with self._changed:
            self._commands.append(command)

    def keep(self, message: Received) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()
        if self._on_message:
            self._on_message(message)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it may be cut already
        connection.shutdown(socket.SHUT_RDWR)


def main() -> None:
    parser = argparse.ArgumentParser(description="An SMTP server for tests.")
    parser.add_argument("--port", type=int, default=2525)
    parser.add_argument("--store", type=Path, help="keep every message as a file in this folder")
    options = parser.parse_args()

    def report(message: Received) -> None:
        line = {"sender": message.sender, "recipients": message.recipients, "size": len(message.content)}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        if options.store:
            options.store.mkdir(parents=True, exist_ok=True)
            (options.store / f"{time.time_ns()}.eml").write_bytes(message.content)

    with SmtpServer(port=options.port, on_message=report) as server:
        sys.stdout.write(f"listening on {server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
