"""Handing messages over to an SMTP server of the tests, and comparing what it took with what was said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from newsletter.delivery.outcomes import Fate, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.base import Transport
from newsletter.delivery.transports.smtp import SmtpOptions, SmtpTransport
from tests.servers.smtp import SmtpServer

EXTENSIONS = {
    "plain": ("8BITMIME", "SMTPUTF8"),
    "pipelined": ("8BITMIME", "SMTPUTF8", "PIPELINING"),
    "chunked": ("8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING"),
}
SENDER = "news@example.com"


def reader(number: int) -> str:
    return f"reader{number}@example.org"


def message(number: int, *, size: int = 3000) -> Outgoing:
    """Has lines that begin with dots, and names its reader."""
    body = f"To: {reader(number)}\r\n\r\n.\r\n..two\r\n.three\r\n".encode()
    return Outgoing(number, SENDER, reader(number), body + b"line\r\n" * (size // 6))


@dataclass
class Run:
    """What `deliver` yielded and raised, and how many messages it drew."""

    fates: dict[int, Fate] = field(default_factory=dict)
    responses: dict[int, str] = field(default_factory=dict)
    error: Exception | None = None
    drawn_count: int = 0

    def counts(self) -> dict[Fate, int]:
        return dict(Counter(self.fates.values()))


def transport_to(server: SmtpServer, **options: object) -> SmtpTransport:
    given = {"connections": 3, "window": 4, "timeout": 5, **options}
    return SmtpTransport(SmtpOptions(server.host, server.port, **given), local_hostname="news.example")  # type: ignore[arg-type]


def run(transport: Transport, messages: Iterable[Outgoing | None]) -> Run:
    """Deliver in one go; no message may have two outcomes."""
    result = Run()

    def drawn() -> Iterator[Outgoing | None]:
        for each in messages:
            result.drawn_count += each is not None
            yield each

    try:
        for outcome in transport.deliver(drawn()):
            assert outcome.send_pk not in result.fates, f"two outcomes for {outcome.send_pk}"
            result.fates[outcome.send_pk] = outcome.fate
            result.responses[outcome.send_pk] = outcome.response
    except (TransportDownError, SenderRefusedError) as error:
        result.error = error
    return result


def hand_over(server: SmtpServer, count: int, **options: object) -> Run:
    """This many messages, to readers 0, 1, 2 …"""
    with transport_to(server, **options) as transport:
        return run(transport, map(message, range(count)))


def check_books(server: SmtpServer, result: Run, count: int) -> None:
    """What the server took is what the outcomes say: accepted once, refused never, unknown at most once."""
    taken = Counter(server.recipients())
    for number in range(count):
        fate, copies = result.fates.get(number), taken.pop(reader(number), 0)
        if fate is Fate.ACCEPTED:
            assert copies == 1, f"{number} is accepted and was taken {copies} times"
        elif fate is Fate.UNKNOWN:
            assert copies <= 1, f"{number} was taken {copies} times"
        else:
            assert copies == 0, f"{number} was taken and is {fate}"
    assert not taken
    for received in server.messages:
        assert received.content == message(int(received.recipients[0][6:].partition("@")[0])).data
        assert len(received.recipients) == 1
    if result.error is None:
        assert len(result.fates) == count
