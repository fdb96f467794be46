"""The SMTP transport and servers that behave: what is used, what is drawn, and stopping."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from config import environment
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.registry import connect
from newsletter.delivery.transports.smtp import connection
from tests.delivery.smtp_runs import SENDER, Run, check_books, hand_over, message, reader, run, transport_to
from tests.servers.smtp import SmtpServer, Stage


def verbs(server: SmtpServer) -> set[str]:
    return {command.partition(" ")[0] for command in server.commands}


# --- servers that behave ----------------------------------------------------------------------------------------------
def test_everybody_gets_their_own_message_once(server: SmtpServer) -> None:
    result = hand_over(server, 60)

    assert result.counts() == {Fate.ACCEPTED: 60}
    assert result.responses[0] == "250 2.0.0 queued"
    check_books(server, result, 60)


def test_what_the_server_offers_is_used(server: SmtpServer) -> None:
    hand_over(server, 3)

    assert ("BDAT" in verbs(server)) == ("CHUNKING" in server.extensions)
    assert ("DATA" in verbs(server)) == ("CHUNKING" not in server.extensions)


def test_no_more_connections_than_allowed_and_fewer_for_few_messages(server: SmtpServer) -> None:
    hand_over(server, 1, connections=4)
    alone = server.connection_count

    hand_over(server, 300, connections=2)

    assert (alone, server.connection_count - alone) == (1, 2)


def test_connections_are_closed_after_so_many_messages(server: SmtpServer) -> None:
    result = hand_over(server, 12, connections=1, messages=5)

    check_books(server, result, 12)
    assert server.connection_count == 3


def test_last_message_of_a_connection_may_be_one_that_is_not_offered(server: SmtpServer) -> None:
    server.max_size = 10_000

    with transport_to(server, connections=1, messages=2) as transport:
        result = run(transport, [message(0), message(1, size=20_000), message(2, size=20_000), message(3), message(4)])

    assert [result.fates[number] for number in range(5)].count(Fate.ACCEPTED) == 3
    assert len(result.fates) == 5


def test_connection_is_kept_from_one_batch_to_the_next(server: SmtpServer) -> None:
    with transport_to(server, connections=1) as transport:
        run(transport, [message(0)])
        run(transport, [message(1), message(2)])

    assert (server.connection_count, len(server.messages)) == (1, 3)


def test_after_a_pause_one_message_goes_first_again(server: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PAUSE", 0.0)
    with transport_to(server, connections=2) as transport:
        results = [run(transport, map(message, range(first, first + 20))) for first in range(0, 60, 20)]

    fates = Run({pk: fate for result in results for pk, fate in result.fates.items()})
    assert fates.counts() == {Fate.ACCEPTED: 60}
    check_books(server, fates, 60)


def test_address_with_letters_of_its_script_is_mailed_where_the_server_can(server: SmtpServer) -> None:
    letter = Outgoing(1, SENDER, "jürgen@example.org", "To: jürgen@example.org\r\n\r\nx\r\n".encode())

    with transport_to(server) as transport:
        result = run(transport, [letter])

    assert result.counts() == {Fate.ACCEPTED: 1}
    assert f"MAIL FROM:<{SENDER}> SMTPUTF8 BODY=8BITMIME" in server.commands


def test_address_that_the_server_cannot_mail_is_refused_without_asking() -> None:
    with SmtpServer(extensions=("PIPELINING", "CHUNKING")) as server, transport_to(server) as transport:
        result = run(transport, [Outgoing(1, SENDER, "jürgen@example.org", b"x\r\n"), message(2)])

    assert result.fates == {1: Fate.REFUSED, 2: Fate.ACCEPTED}
    assert server.recipients() == [reader(2)]


def test_message_larger_than_the_server_takes_is_not_offered(server: SmtpServer) -> None:
    server.max_size = 10_000

    with transport_to(server) as transport:
        result = run(transport, [message(0), message(1, size=20_000), message(2)])

    assert result.fates == {0: Fate.ACCEPTED, 1: Fate.REFUSED, 2: Fate.ACCEPTED}
    assert f"RCPT TO:<{reader(1)}>" not in server.commands


# --- drawing ----------------------------------------------------------------------------------------------------------
def test_nothing_right_now_does_not_keep_what_is_under_way_waiting(server: SmtpServer) -> None:
    seen: list[int] = []

    def slow() -> Iterator[Outgoing | None]:
        yield message(0)
        while not seen:
            yield None
        yield message(1)

    with transport_to(server) as transport:
        seen.extend(outcome.send_pk for outcome in transport.deliver(_until_seen(slow(), seen)))

    assert sorted(server.recipients()) == [reader(0), reader(1)]


def _until_seen(messages: Iterator[Outgoing | None], seen: list[int]) -> Iterator[Outgoing | None]:
    """After some rounds of nothing, as if the first outcome had been noted."""
    for count, each in enumerate(messages):
        if count == 3:
            seen.append(-1)
        yield each


def test_no_more_is_drawn_than_can_be_under_way(chunked: SmtpServer) -> None:
    hold = chunked.hold(Stage.MESSAGE, after=1)
    result = Run()

    def counted() -> Iterator[Outgoing]:
        for number in range(1000):
            result.drawn_count += 1
            yield message(number)

    def deliver() -> None:
        with transport_to(chunked, connections=1, window=4) as transport:
            result.fates = {outcome.send_pk: outcome.fate for outcome in transport.deliver(counted())}

    thread = threading.Thread(target=deliver)
    thread.start()
    hold.wait()
    drawn_meanwhile = result.drawn_count
    hold.release()
    thread.join(60)

    assert drawn_meanwhile <= 1 + 4 + 1
    assert len(result.fates) == 1000


def test_error_of_the_source_is_raised_when_all_that_is_under_way_has_its_outcome(server: SmtpServer) -> None:
    def breaking() -> Iterator[Outgoing]:
        yield from map(message, range(5))
        raise LookupError("the database is gone")

    seen: list[Outcome] = []
    with transport_to(server) as transport, pytest.raises(LookupError, match="gone"):
        seen.extend(transport.deliver(breaking()))

    assert len(seen) == len(server.messages) == 5


def test_stop_finishes_what_is_under_way_and_draws_no_more(server: SmtpServer) -> None:
    with transport_to(server) as transport:

        def stopping() -> Iterator[Outgoing]:
            for number in range(1000):
                if number == 7:
                    transport.stop(grace=5)
                yield message(number)

        result = run(transport, stopping())

    assert result.error is None
    assert result.drawn_count <= 8
    assert set(result.fates.values()) <= {Fate.ACCEPTED}
    assert len(server.messages) == len(result.fates)


def test_stop_does_not_wait_for_an_answer_beyond_its_grace(server: SmtpServer) -> None:
    hold = server.hold(Stage.STORED, after=2)
    with transport_to(server, connections=1, timeout=60) as transport:

        def stop() -> None:
            hold.wait()
            transport.stop(grace=0.1)

        threading.Thread(target=stop, daemon=True).start()
        started = time.monotonic()
        result = run(transport, map(message, range(20)))
        is_soon = time.monotonic() - started < 30
    hold.release()

    assert is_soon
    assert Fate.UNKNOWN in result.counts()
    assert result.counts()[Fate.ACCEPTED] == 2
    assert len(result.fates) < 20


def test_limits_stand_in_the_address(server: SmtpServer, settings: Settings) -> None:
    address = f"{server.url}?connections=1&messages=5&window=2"
    settings.MAILERS = {"campaigns": environment.mailer("MAILER_URL", address)}

    with connect("campaigns") as transport:
        result = run(transport, map(message, range(12)))

    check_books(server, result, 12)
    assert server.connection_count == 3
