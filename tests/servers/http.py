"""A real HTTP server on loopback that says what it is told: feeds, pictures, providers and their bad days.

with HttpServer() as server:
    server.serve("/feed.xml", FEED, etag='"1"')
    server.serve("/slow.xml", FEED, delay=3)
    server.serve("/bomb.xml", endless(b"<item>"))
    server.redirect("/loop", "/loop")
    ...
    assert server.requests[0].headers["User-Agent"].startswith("Broadsheet")
"""

from __future__ import annotations

import gzip
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Body = bytes | Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str  # with the query
    headers: Message  # names without regard to case
    body: bytes


@dataclass(frozen=True)
class Response:
    """What the server answers. A callable body is streamed without a Content-Length until the client has enough."""

    body: Body = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/xml"
    etag: str = ""  # answered with 304 if the client has it
    last_modified: str = ""  # the same
    delay: float = 0  # seconds before the first byte
    is_gzipped: bool = False
    cut_after: int | None = None  # bytes of the body after which the connection is cut


Answer = Response | Callable[[Request], Response]


def endless(piece: bytes) -> Callable[[], Iterator[bytes]]:
    """A body that never ends."""
    return lambda: itertools.repeat(piece * (1 + 65536 // len(piece)))


def dripping(piece: bytes, *, seconds: float, stopping: threading.Event) -> Callable[[], Iterator[bytes]]:
    """A body that never ends and comes a piece at a time, as from a server that wants to keep us busy."""

    def pieces() -> Iterator[bytes]:
        while not stopping.wait(seconds):
            yield piece

    return pieces


class HttpServer:
    """Threaded and thread-safe. Paths that nobody taught it answer 404."""

    host = "127.0.0.1"

    def __init__(self, *, port: int = 0) -> None:
        self.port = port
        self.stopping = threading.Event()
        self._changed = threading.Condition()
        self._requests: list[Request] = []
        self._answers: dict[str, list[Answer]] = {}
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    # --- teaching -----------------------------------------------------------------------------------------------------
    def serve(self, path: str, body: Body = b"", **details: Any) -> str:
        """Answer this path with a Response of ``body`` and ``details`` from now on. Returns the full address."""
        return self.answer(path, Response(body, **details))

    def redirect(self, path: str, target: str, *, status: int = 302) -> str:
        """Send whoever asks for ``path`` to ``target``, a path here or a full address."""
        location = self.url(target) if target.startswith("/") else target
        return self.answer(path, Response(status=status, headers={"Location": location}))

    def answer(self, path: str, *answers: Answer) -> str:
        """Give these answers one after the other, the last one for ever. A callable is asked each time."""
        with self._changed:
            self._answers[path] = list(answers)
        return self.url(path)

    # --- what happened ------------------------------------------------------------------------------------------------
    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    @property
    def requests(self) -> list[Request]:
        with self._changed:
            return list(self._requests)

    def wait_for(self, count: int, timeout: float = 20) -> list[Request]:
        """The requests, once there are at least ``count``; raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._requests) >= count, timeout):
                raise TimeoutError(f"{len(self._requests)} of {count} requests after {timeout} s")
            return list(self._requests)

    def take(self, request: Request) -> Response:
        """Log the request and find its answer."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            bare_path = request.path.partition("?")[0]
            answers = self._answers.get(request.path) or self._answers.get(bare_path)
            if not answers:
                return Response(b"not found", status=404, content_type="text/plain")
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(request) if callable(answer) else answer

    # --- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> Self:
        self.stopping.clear()
        self._server = _Server((self.host, self.port), self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], script: HttpServer) -> None:
        self.script = script
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client has had enough
            super().handle()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers, body)
        self._send(self.server.script.take(request))

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 (http.server looks for these names)

    def _send(self, response: Response) -> None:
        self.server.script.stopping.wait(response.delay)
        if self._is_fresh(response):
            response = Response(status=304, etag=response.etag, last_modified=response.last_modified)
        pieces, length = _encoded(response)
        self._send_head(response, length)
        if self.command == "HEAD" or response.status == 304:
            return
        sent = 0
        for piece in pieces:
            rest = None if response.cut_after is None else response.cut_after - sent
            self.wfile.write(piece[:rest])
            sent += len(piece)
            if rest is not None and sent >= rest:
                return

    def _is_fresh(self, response: Response) -> bool:
        asked_etag, asked_date = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        if asked_etag:
            return asked_etag == response.etag
        return bool(asked_date) and asked_date == response.last_modified

    def _send_head(self, response: Response, length: int | None) -> None:
        self.close_connection = True
        headers = {
            "Connection": "close",
            "Content-Type": response.content_type,
            "Content-Encoding": "gzip" if response.is_gzipped else "",
            "Content-Length": "" if length is None else str(length),
            "ETag": response.etag,
            "Last-Modified": response.last_modified,
            **response.headers,
        }
        self.send_response(response.status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        pass


def _encoded(response: Response) -> tuple[Iterator[bytes], int | None]:
    """The pieces of the body as they go over the line, and their length if it is known."""
    if callable(response.body):
        return response.body(), None
    body = gzip.compress(response.body) if response.is_gzipped else response.body
    return iter([body]), len(body)
