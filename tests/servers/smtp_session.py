"""One connection to the SMTP server of the tests: the commands, held to the letter of RFC 5321 and RFC 3030."""

from __future__ import annotations

import base64
import os
import socket
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.servers.smtp_rules import Received, Stage

if TYPE_CHECKING:
    from tests.servers.smtp import SmtpServer


NO_TLS = b"this is no record of TLS"


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
        self.mail_count = 0
        self.chunks: list[bytes] = []
        self.is_broken = False  # a BDAT has failed: nothing but RSET and QUIT until it is reset

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
        if self.server.tls and not isinstance(self.connection, ssl.SSLSocket):
            lines.append("STARTTLS")
        if self.server.credentials:
            lines.append("AUTH PLAIN")
        self.reply("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def on_starttls(self, _argument: str) -> None:
        assert self.server.tls
        self.reply("220 2.0.0 go on")
        self.intervene(Stage.TLS)
        plain, self.connection = self.connection, self.server.tls.wrap_socket(self.connection, server_side=True)
        self.server.renew(plain, self.connection)
        self.buffer = b""

    def on_auth(self, argument: str) -> None:
        if self.intervene(Stage.AUTH):
            return
        mechanism, _space, initial = argument.partition(" ")
        given = base64.b64decode(initial).split(b"\0")[1:] if mechanism.upper() == "PLAIN" else []
        wanted = [part.encode() for part in self.server.credentials or ()]
        self.reply("235 2.7.0 welcome" if given == wanted else "535 5.7.8 wrong user or password")

    def on_mail(self, argument: str) -> None:
        if self.is_broken or self.sender is not None:
            self.reply("503 5.5.1 RSET first" if self.is_broken else "503 5.5.1 nested MAIL")
            return
        if self.mail_count >= self.server.messages_per_connection:
            self.reply(self.server.enough)
            if self.server.enough.startswith("421"):
                raise HungUp
            return
        if self.intervene(Stage.MAIL):
            return
        self.mail_count += 1
        self.sender = _path(argument)
        self.reply("250 2.1.0 OK")

    def on_rcpt(self, argument: str) -> None:
        recipient = _path(argument)
        if self.sender is None or self.is_broken:
            self.reply("503 5.5.1 MAIL first")
        elif not self.intervene(Stage.RCPT, (recipient,)):
            self.recipients.append(recipient)
            self.reply("250 2.1.5 OK")

    def on_data(self, _argument: str) -> None:
        recipients = tuple(self.recipients)
        if self.intervene(Stage.DATA, recipients):
            return
        if not recipients and not (self.server.goes_on_without_recipients and self.sender is not None):
            self.reply("503 5.5.1 RCPT first")
            return
        self.reply("354 go ahead")
        self.end_message(recipients, self.read_content(recipients))
        self.reset()

    def on_bdat(self, argument: str) -> None:
        """RFC 3030. The octets are read whatever the answer is."""
        size, _space, last = argument.partition(" ")
        recipients = tuple(self.recipients)
        content = self.read_octets(int(size), recipients)
        if self.is_broken or not recipients:
            self.is_broken = True
            self.reply("503 5.5.1 RCPT first")
        elif last.upper() != "LAST":
            self.chunks.append(content)
            self.reply("250 2.0.0 go on")
        else:
            # what is refused stays open, so that a client that does not reset would mail the wrong reader
            self.is_broken = not self.end_message(recipients, b"".join([*self.chunks, content]))
            if not self.is_broken:
                self.reset()

    def end_message(self, recipients: tuple[str, ...], content: bytes) -> bool:
        """Keep or refuse it. Returns whether it was kept."""
        if not recipients:
            self.reply("554 5.5.1 no valid recipients")
        elif len(content) > self.server.max_size:
            self.reply("552 5.3.4 too big")
        elif not self.intervene(Stage.MESSAGE, recipients):
            self.server.keep(Received(self.sender or "", recipients, content, datetime.now(UTC)))
            if not self.intervene(Stage.STORED, recipients):
                self.reply("250 2.0.0 queued")
            return True
        return False

    def on_rset(self, _argument: str) -> None:
        self.reset()
        self.reply("250 2.0.0 OK")

    def on_noop(self, _argument: str) -> None:
        self.reply("250 2.0.0 OK")

    def on_quit(self, _argument: str) -> None:
        self.reply("221 2.0.0 bye")
        raise HungUp

    def reset(self) -> None:
        self.sender, self.recipients, self.chunks, self.is_broken = None, [], [], False

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
        if rule.breaks_tls:
            os.write(self.connection.fileno(), NO_TLS)
        if rule.hangs_up or rule.breaks_tls:
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

    def read_octets(self, count: int, recipients: tuple[str, ...]) -> bytes:
        if count and not self.buffer:
            self.fill()
        if self.intervene(Stage.BODY, recipients):
            raise HungUp
        while len(self.buffer) < count:
            self.fill()
        content, self.buffer = self.buffer[:count], self.buffer[count:]
        return content

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
