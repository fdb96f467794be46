"""A real name server on loopback (UDP) that says what it is told, or nothing.

with DnsServer() as server:
    server.answer("example.org", mx=["10 mail.example.org."])
    server.answer("nomail.example", mx=["0 ."])
    server.answer("example.org", txt=["v=spf1 -all"])
    server.is_silent = True
"""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        server: DnsServer = self.server.owner  # type: ignore[attr-defined]
        query = dns.message.from_wire(data)
        server.questions.append(query.question[0].name.to_text(omit_final_dot=True))
        if not server.is_silent:
            socket.sendto(server.reply(query).to_wire(), self.client_address)


class DnsServer:
    """Names that nobody taught it do not exist."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.is_silent = False
        self.rcode: dns.rcode.Rcode | None = None
        self._records: dict[str, dict[str, list[str]]] = {}
        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.owner = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def name(self) -> str:
        """As DNS_SERVERS wants it."""
        return f"127.0.0.1#{self._server.server_address[1]}"

    def answer(self, domain: str, *, mx: list[str] | None = None, txt: list[str] | None = None) -> None:
        self._records[domain] = {"MX": mx or [], "TXT": [f'"{text}"' for text in txt or []]}

    def reply(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        name = query.question[0].name
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        known = self._records.get(name.to_text(omit_final_dot=True))
        if self.rcode is not None:
            response.set_rcode(self.rcode)
        elif known is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif records := known.get(kind):
            response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
        return response

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
