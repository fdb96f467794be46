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
import base64
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.smtp_rules import Hold, Received, Rule, Stage

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
        on_message: Callable[[Received], None] | None = None,
    ) -> None:
        self.port = port
        self.extensions = extensions
        self.max_size = max_size
        self.credentials = credentials
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
        self, stage: Stage, reply: str, *, recipient: str | None = None, after: int = 0, times: int | None = None
    ) -> None:
        """Answer with this line; a 421 also closes the connection. It may be no reply at all ("banana")."""
        self._add(Rule(stage, recipient, after, times, reply=reply))

    def hang_up(self, stage: Stage, *, recipient: str | None = None, after: int = 0, times: int | None = None) -> None:
        """Close the connection without a word."""
        self._add(Rule(stage, recipient, after, times, hangs_up=True))

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
        """Refuse new connections and cut the open ones; what was kept stays."""
        self.stopping.set()
        self.behave()
        if self._listener:
            # shutdown wakes the thread that waits in accept()
            _cut(self._listener)
            self._listener.close()
        with self._changed:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            _cut(connection)
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
                self.connection_count += 1
                self._connections.add(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            Session(self, connection).run()
        except (OSError, HungUp):
            pass  # the client has gone, or we have: both are ordinary here
        finally:
            with self._changed:
                self._connections.discard(connection)
            connection.close()

    # --- for the sessions ---------------------------------------------------------------------------------------------
    def rule_for(self, stage: Stage, recipients: tuple[str, ...]) -> Rule | None:
        with self._changed:
            # every rule counts what it sees, so no short-circuit
            taking = [rule for rule in self._rules if rule.takes(stage, recipients)]
        return taking[0] if taking else None

    def log(self, command: str) -> None:
        with self._changed:
            self._commands.append(command)

    def keep(self, message: Received) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()
        if self._on_message:
            self._on_message(message)


class HungUp(Exception):
    """The session is over."""


class Session:
    """One connection."""

    def __init__(self, server: SmtpServer, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.buffer = b""
        self.sender: str | None = None
        self.recipients: list[str] = []

    def run(self) -> None:
        if not self.intervene(Stage.CONNECT):
            self.reply("220 mail.example.net ESMTP test server")
        while True:
            line = self.read_line().decode(errors="surrogateescape")
            self.server.log(line)
            verb, _space, argument = line.partition(" ")
            handler = getattr(self, f"on_{verb.lower()}", None)
            if handler is None:
                self.reply("500 5.5.2 unknown command")
            else:
                handler(argument.strip())

    # --- commands -----------------------------------------------------------------------------------------------------
    def on_helo(self, _name: str) -> None:
        self.reset()
        if not self.intervene(Stage.EHLO):
            self.reply("250 mail.example.net")

    def on_ehlo(self, _name: str) -> None:
        self.reset()
        if self.intervene(Stage.EHLO):
            return
        lines = ["mail.example.net", f"SIZE {self.server.max_size}", *self.server.extensions]
        if self.server.credentials:
            lines.append("AUTH PLAIN")
        self.reply("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def on_auth(self, argument: str) -> None:
        if self.intervene(Stage.AUTH):
            return
        mechanism, _space, initial = argument.partition(" ")
        given = base64.b64decode(initial).split(b"\0")[1:] if mechanism.upper() == "PLAIN" else []
        wanted = [part.encode() for part in self.server.credentials or ()]
        self.reply("235 2.7.0 welcome" if given == wanted else "535 5.7.8 wrong user or password")

    def on_mail(self, argument: str) -> None:
        if self.intervene(Stage.MAIL):
            return
        self.reset()
        self.sender = _path(argument)
        self.reply("250 2.1.0 OK")

    def on_rcpt(self, argument: str) -> None:
        recipient = _path(argument)
        if self.sender is None:
            self.reply("503 5.5.1 MAIL first")
        elif not self.intervene(Stage.RCPT, (recipient,)):
            self.recipients.append(recipient)
            self.reply("250 2.1.5 OK")

    def on_data(self, _argument: str) -> None:
        recipients = tuple(self.recipients)
        if self.intervene(Stage.DATA, recipients):
            return
        if not recipients:
            self.reply("503 5.5.1 RCPT first")
            return
        self.reply("354 go ahead")
        content = self.read_content(recipients)
        if len(content) > self.server.max_size:
            self.reply("552 5.3.4 too big")
        elif not self.intervene(Stage.MESSAGE, recipients):
            self.server.keep(Received(self.sender or "", recipients, content, datetime.now(UTC)))
            if not self.intervene(Stage.STORED, recipients):
                self.reply("250 2.0.0 queued")
        self.reset()

    def on_rset(self, _argument: str) -> None:
        self.reset()
        self.reply("250 2.0.0 OK")

    def on_noop(self, _argument: str) -> None:
        self.reply("250 2.0.0 OK")

    def on_quit(self, _argument: str) -> None:
        self.reply("221 2.0.0 bye")
        raise HungUp

    def reset(self) -> None:
        self.sender, self.recipients = None, []

    # --- rules --------------------------------------------------------------------------------------------------------
    def intervene(self, stage: Stage, recipients: tuple[str, ...] = ()) -> bool:
        """Do what a rule says about this point. True if that answered the command."""
        rule = self.server.rule_for(stage, recipients)
        if rule is None:
            return False
        if rule.hold:
            rule.hold.reached.set()
            rule.hold.released.wait()
        if rule.delay:
            self.server.stopping.wait(rule.delay)
        if rule.hangs_up:
            raise HungUp
        if rule.reply is None:
            return False
        self.reply(rule.reply)
        if rule.reply.startswith("421"):
            raise HungUp
        return True

    # --- bytes --------------------------------------------------------------------------------------------------------
    def reply(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\r\n")

    def read_line(self) -> bytes:
        return self.read_until(b"\r\n")

    def read_content(self, recipients: tuple[str, ...]) -> bytes:
        if not self.buffer:
            self.fill()
        if self.intervene(Stage.BODY, recipients):
            raise HungUp
        content = b"\r\n" + self.read_until(b"\r\n.\r\n", given=b"\r\n") + b"\r\n"
        return content.replace(b"\r\n..", b"\r\n.").removeprefix(b"\r\n")

    def read_until(self, end: bytes, *, given: bytes = b"") -> bytes:
        """What comes before ``end``. ``given`` counts as read before, so that an end may begin in it."""
        self.buffer = given + self.buffer
        searched = 0
        while (at := self.buffer.find(end, max(0, searched - len(end)))) < 0:
            searched = len(self.buffer)
            self.fill()
        found, self.buffer = self.buffer[:at], self.buffer[at + len(end) :]
        return found.removeprefix(given)

    def fill(self) -> None:
        data = self.connection.recv(65536)
        if not data or len(self.buffer) > 2 * self.server.max_size:
            raise HungUp
        self.buffer += data


def _path(argument: str) -> str:
    """The address in ``FROM:<ada@example.org> SIZE=100``."""
    return argument.partition("<")[2].partition(">")[0]


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
