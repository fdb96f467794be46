"""A real HTTP server on loopback that takes mail as Mailgun's API does, and misbehaves when it is told to.

with MailgunServer() as server:
    server.then(Bad(status=429, headers={"Retry-After": "1"}), Bad(status=500, takes=True))
    server.refuse("nobody@example.org")
    ...
    assert [mail.to for mail in server.mails()] == ["ada@example.org"]

Source: documentation.mailgun.com, "Batch sending" and "Messages". Substitution is done in one pass, as Mailgun does it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import parseaddr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

_VARIABLE = re.compile(r"%recipient\.([^%]+)%")


@dataclass(frozen=True)
class Bad:
    """How to answer one call badly. ``takes``: the mails are taken all the same."""

    status: int = 200
    words: str = "no"
    headers: dict[str, str] = field(default_factory=dict)
    takes: bool = False
    hangs_up: bool = False  # without an answer
    delay: float = 0.0


@dataclass(frozen=True)
class Call:
    """One call as it came, and whether its mails were taken."""

    form: dict[str, list[str]]
    is_taken: bool

    @property
    def to(self) -> list[str]:
        return [parseaddr(each)[1] for each in self.form["to"]]


@dataclass(frozen=True)
class Mail:
    """What one reader gets."""

    to: str
    display: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]  # names in small letters
    variables: dict[str, str]  # what webhooks tell


class MailgunServer:
    """Threaded; connections stay open. ``only_counts`` keeps nothing but the number of recipients, for benchmarks."""

    def __init__(self, *, only_counts: bool = False) -> None:
        self.only_counts = only_counts
        self.recipient_count = self.call_count = self.byte_count = 0
        self.at_once = self.most_at_once = 0  # calls that are being answered
        self._calls: list[Call] = []
        self._script: list[Bad] = []
        self._refused: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.mailgun = self
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v3"

    def then(self, *bad: Bad) -> None:
        """Answer the next calls so; those after them are taken."""
        self._script += bad

    def refuse(self, *addresses: str) -> None:
        """Refuse every call that has one of these among its recipients, as Mailgun does with an invalid address."""
        self._refused |= set(addresses)

    @property
    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def mails(self) -> list[Mail]:
        """Every mail that was taken, filled in."""
        return [mail for call in self.calls if call.is_taken for mail in _mails(call.form)]

    def take(self, kind: str, body: bytes) -> tuple[Bad, bytes]:
        """What to answer to this call."""
        if self.only_counts:
            with self._lock:
                self.call_count += 1
                self.byte_count += len(body)
                self.recipient_count += body.count(b'name="to"') or body.count(b"&to=") + body.startswith(b"to=")
            return Bad(), _taken()
        form = _form(kind, body)
        with self._lock:
            bad = self._script.pop(0) if self._script else Bad(takes=True)
            to = Call(form, is_taken=False).to
            if bad.status == 200 and (refused := [address for address in to if address in self._refused]):
                bad = Bad(status=400, words=f"'to' parameter is not a valid address: {refused[0]}")
            self._calls.append(Call(form, is_taken=bad.takes))
        return bad, _taken() if bad.status == 200 else json.dumps({"message": bad.words}).encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    mailgun: MailgunServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        mailgun, body = self.server.mailgun, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mailgun.at_once += 1
        mailgun.most_at_once = max(mailgun.most_at_once, mailgun.at_once)
        bad, answer = mailgun.take(self.headers.get("Content-Type", ""), body)
        mailgun.stopping.wait(bad.delay)
        mailgun.at_once -= 1
        if bad.hangs_up:
            self.close_connection = True
            return
        self.send_response(bad.status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer)),
            **bad.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        pass


def _taken() -> bytes:
    return json.dumps({"id": "<20261123.1@mg.example.org>", "message": "Queued. Thank you."}).encode()


def _form(kind: str, body: bytes) -> dict[str, list[str]]:
    if not kind.startswith("multipart/"):
        return parse_qs(body.decode(), keep_blank_values=True)
    form: dict[str, list[str]] = {}
    parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    for part in parsed.iter_parts():
        name = part.get_param("name", header="Content-Disposition")
        value = part.get_payload(decode=True)
        assert isinstance(value, bytes)
        form.setdefault(str(name), []).append(value.decode())
    return form


def _mails(form: dict[str, list[str]]) -> Iterator[Mail]:
    variables: dict[str, dict[str, str]] = json.loads(form.get("recipient-variables", ["{}"])[0])
    for display in form["to"]:
        to = parseaddr(display)[1]
        own = variables.get(to, {})

        def filled(text: str, own: dict[str, str] = own) -> str:
            return _VARIABLE.sub(lambda match: own.get(match[1], match[0]), text)

        yield Mail(
            to=to,
            display=display,
            subject=filled(form["subject"][0]),
            text=filled(form.get("text", [""])[0]),
            html=filled(form.get("html", [""])[0]),
            headers={name[2:].lower(): filled(value[0]) for name, value in form.items() if name.startswith("h:")},
            variables={name[2:]: filled(value[0]) for name, value in form.items() if name.startswith("v:")},
        )
