"""Get what lies at an address, under limits: of time, of bytes, of redirects, of machines that may be asked."""

from __future__ import annotations

import functools
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from urllib.parse import urlencode, urljoin

from django.conf import settings
from django.utils.translation import gettext as _
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPException, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, DecodeError, HTTPError, NewConnectionError, ReadTimeoutError
from urllib3.exceptions import SSLError as CertificateError

from articles.feeds import network
from articles.models.publication import site_name

MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT_REDIRECTS = frozenset({301, 308})
CONNECT_SECONDS = 10.0
ENCODINGS = "gzip, deflate, br, zstd"
KNOWN_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate", "br", "zstd"})
KEPT_HEADERS = ("location", "retry-after", "etag", "last-modified", "content-type", "content-encoding", "link")
CHUNK_BYTES = 65_536
MOST_PACKED = 100  # times; texts reach 20, and a small answer may be as repetitive as it likes
MEGABYTE = 1024 * 1024
FEED_TYPES = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json, "
    "application/xml;q=0.9, */*;q=0.5"
)
PICTURE_TYPES = "image/jpeg, image/png, image/webp, image/gif"


class FetchError(Exception):
    """Nothing usable came. The message is a sentence for people.

    ``is_gone``: it will never come back (410). ``is_final``: the answer would be the same if we asked again.
    ``retry_after``: what the server wrote into Retry-After, see ``pause_asked_for``. ``status``: of its answer, 0 if
    there was none.
    """

    def __init__(
        self, message: str, *, is_gone: bool = False, is_final: bool = False, retry_after: str = "", status: int = 0
    ) -> None:
        super().__init__(message)
        self.is_gone = is_gone
        self.is_final = is_final
        self.retry_after = retry_after
        self.status = status


@dataclass(frozen=True)
class Limits:
    """Seconds for the whole fetch, looking up names and redirects included; bytes of the answer after decompression."""

    seconds: float
    max_bytes: int


@dataclass(frozen=True)
class Validators:
    """What the server said last time, so that it can answer "not modified" (RFC 9110, section 13.1)."""

    etag: str = ""
    last_modified: str = ""

    def as_headers(self) -> dict[str, str]:
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True)
class Fetched:
    """An answer. ``url`` is where it came from in the end, ``moved_to`` where to ask in future ("" if unchanged)."""

    url: str
    body: bytes = field(repr=False)
    content_type: str
    validators: Validators
    moved_to: str = ""
    is_modified: bool = True
    link_header: str = ""


def feed_limits() -> Limits:
    return Limits(settings.FEED_TIMEOUT_SECONDS, settings.FEED_MAX_MEGABYTES * MEGABYTE)


def fetch_feed(url: str, *, validators: Validators, agent: str = "") -> Fetched:
    """The feed at an address that somebody typed. Raises FetchError."""
    return fetch(url, trusted_url=url, limits=feed_limits(), accept=FEED_TYPES, validators=validators, agent=agent)


def fetch(
    url: str, *, trusted_url: str, limits: Limits, accept: str = "*/*", validators: Validators = Validators(),
    agent: str = "",
) -> Fetched:  # fmt: skip
    """GET an address and follow up to five redirects, each one checked by ``network``. Raises FetchError.

    ``agent`` is what ``user_agent`` said, for a thread that may not ask the database.
    """
    deadline = monotonic() + limits.seconds
    headers = {
        "User-Agent": agent or user_agent(),
        "Accept": accept,
        "Accept-Encoding": ENCODINGS,
        "Connection": "close",
        **validators.as_headers(),
    }
    moved_to, is_moved_for_good = "", True
    for _hop in range(MAX_REDIRECTS + 1):
        answer = _ask(url, headers=headers, trusted_url=trusted_url, deadline=deadline, max_bytes=limits.max_bytes)
        if answer.status not in REDIRECTS:
            return _judged(answer, url=url, moved_to=moved_to, asked=validators)
        url = _next_address(url, answer)
        is_moved_for_good = is_moved_for_good and answer.status in PERMANENT_REDIRECTS
        moved_to = url if is_moved_for_good else moved_to
    raise FetchError(_("It redirects in circles or more than %(count)s times.") % {"count": MAX_REDIRECTS})


def post_form(url: str, fields: Mapping[str, str], *, trusted_url: str, limits: Limits) -> int:
    """POST a form to a machine that a feed named. Returns the status, whatever it is. Raises FetchError."""
    headers = {
        "User-Agent": user_agent(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Connection": "close",
    }
    deadline = monotonic() + limits.seconds
    answer = _ask(url, headers=headers, trusted_url=trusted_url, deadline=deadline, form=urlencode(fields).encode())
    return answer.status


def user_agent() -> str:
    """How we introduce ourselves, so that a server's owner can find us. 1 query."""
    name = f"Broadsheet ({site_name()}; +{settings.SITE_URL})"
    return "".join(letter for letter in name if " " <= letter <= "~")


def pause_asked_for(retry_after: str, *, now: datetime) -> timedelta:
    """How long a server wants to be left alone (RFC 9110, section 10.2.3): seconds or a date; at most a day."""
    if retry_after.strip().isdecimal():
        pause = timedelta(seconds=min(int(retry_after.strip()[:9]), 86_400))
    else:
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return timedelta(0)
        pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(pause, timedelta(0)), timedelta(days=1))


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def _judged(answer: _Answer, *, url: str, moved_to: str, asked: Validators) -> Fetched:
    """The answer if it is one; otherwise FetchError with what it means."""
    if answer.status == 304 and asked.as_headers():
        return Fetched(url, b"", "", asked, moved_to, is_modified=False)
    if answer.status != 200:
        raise _refusal(answer)
    validators = Validators(answer.headers.get("etag", ""), answer.headers.get("last-modified", ""))
    return Fetched(
        url, answer.body, answer.headers.get("content-type", ""), validators, moved_to,
        link_header=answer.headers.get("link", ""),
    )  # fmt: skip


def _refusal(answer: _Answer) -> FetchError:
    status = answer.status
    sentences = {
        401: _("The server wants a password (status 401)."),
        403: _("The server refuses to show it to us (status 403)."),
        404: _("There is nothing at this address (status 404)."),
        410: _("The server says that it is gone for good (status 410)."),
        429: _("The server says that we ask too often (status 429)."),
    }
    sentence = sentences.get(status)
    if not sentence:
        is_theirs = 500 <= status < 600
        sentence = _("The server has a fault (status %s).") if is_theirs else _("The server answered with status %s.")
        sentence %= status
    return FetchError(
        sentence,
        is_gone=status == 410,
        is_final=status in {400, 401, 403, 404, 410},
        retry_after=answer.headers.get("retry-after", "") if status in {429, 503} else "",
        status=status,
    )


def _next_address(url: str, answer: _Answer) -> str:
    location = answer.headers.get("location", "").strip()
    if not location:
        raise FetchError(_("It redirects without saying where to."), is_final=True)
    try:
        return urljoin(url, location).partition("#")[0]
    except ValueError:
        raise FetchError(_("It redirects to something that is not a web address."), is_final=True) from None


def _ask(
    url: str, *, headers: dict[str, str], trusted_url: str, deadline: float, max_bytes: int = 0, form: bytes = b""
) -> _Answer:
    """One request to one machine, a POST if there is a form, without following anything. Raises FetchError."""
    method = "POST" if form else "GET"
    try:
        target = network.locate(url, trusted_url=trusted_url, seconds=deadline - monotonic())
        with _connected(target, deadline) as connection:
            host = {"Host": target.host_header}
            connection.request(
                method, target.request_target, body=form or None, headers=headers | host, preload_content=False
            )
            with closing(connection.getresponse()) as response:
                kept = {name: str(response.headers.get(name, "")) for name in KEPT_HEADERS}
                body = _read(response, max_bytes) if response.status == 200 and method == "GET" else b""
        if monotonic() >= deadline:
            raise TimeoutError
    except network.AddressRefused as refused:
        raise FetchError(str(refused), is_final=True) from refused
    except (OSError, HTTPError, HTTPException, ValueError) as error:
        raise _explained(error, is_late=monotonic() >= deadline) from error
    return _Answer(response.status, kept, body)


@contextmanager
def _connected(target: network.Target, deadline: float) -> Iterator[HTTPConnection]:
    """A connection to one of the checked addresses that is cut at the deadline, however busily the server drips."""
    connection = _connect(target, deadline)
    connection.sock.settimeout(max(deadline - monotonic(), 0.001))
    watchdog = threading.Timer(max(deadline - monotonic(), 0), _cut, [connection.sock])
    watchdog.daemon = True
    watchdog.start()
    try:
        yield connection
    finally:
        watchdog.cancel()
        connection.close()


def _connect(target: network.Target, deadline: float) -> HTTPConnection:
    for number, address in enumerate(target.addresses, start=1):
        seconds = min(CONNECT_SECONDS, deadline - monotonic())
        if seconds <= 0:
            raise TimeoutError
        connection = _connection(target, address, seconds)
        try:
            connection.connect()
        except (NewConnectionError, ConnectTimeoutError):
            connection.close()
            if number == len(target.addresses):
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise TimeoutError


def _connection(target: network.Target, address: str, seconds: float) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=seconds)
    return HTTPSConnection(
        address, target.port, timeout=seconds, server_hostname=target.host, ssl_context=_ssl_context()
    )


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _cut(connected: socket.socket) -> None:
    """Wake whoever reads from this socket with its end. Runs in the watchdog's thread."""
    with suppress(OSError):  # it is closed already
        socket.socket.shutdown(connected, socket.SHUT_RDWR)  # not SSLSocket's own: that is not thread-safe


def _read(response: BaseHTTPResponse, max_bytes: int) -> bytes:
    too_large = FetchError(
        _("It is larger than %(megabytes)s MB.") % {"megabytes": max_bytes // MEGABYTE}, is_final=True
    )
    encoding = response.headers.get("content-encoding", "").lower()
    if not {piece.strip() for piece in encoding.split(",")} <= KNOWN_ENCODINGS:
        raise FetchError(_("The answer is packed in a way that we cannot read (%(name)s).") % {"name": encoding[:40]})
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:18]) > max_bytes:
        raise too_large
    body = bytearray()
    while chunk := response.read(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise too_large
        if len(body) > MEGABYTE and len(body) > MOST_PACKED * max(response.tell(), 1):
            raise FetchError(_("It is packed too tightly to be what it says it is."), is_final=True)
    return bytes(body)


def _explained(error: Exception, *, is_late: bool) -> FetchError:
    """What went wrong on the line, in words."""
    if isinstance(error, NewConnectionError):  # before the next: it counts as one of those, too
        return FetchError(_("The server cannot be reached: it refused the connection."))
    if is_late or isinstance(error, TimeoutError | ConnectTimeoutError | ReadTimeoutError):
        return FetchError(_("The server took too long to answer."))
    if isinstance(error, ssl.SSLError | CertificateError):
        return FetchError(_("No secure connection: the server's certificate is not valid."))
    if isinstance(error, DecodeError):
        return FetchError(_("The answer is damaged: it cannot be decompressed."))
    return FetchError(_("The server broke the connection off in the middle of its answer."))
