"""The SMTP transport and servers that refuse: a recipient, a content, a connection, or us."""

from __future__ import annotations

import pytest

from newsletter.delivery.outcomes import Fate, SenderRefusedError, TransportDownError
from tests.delivery.smtp_runs import EXTENSIONS, check_books, hand_over, reader
from tests.servers.smtp import SmtpServer, Stage


# --- refusals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("goes_on", [False, True], ids=["503", "354"])
@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "450 4.2.0 greylisted", "454 4.7.0 not now"])
def test_refused_recipient_costs_nobody_else(server: SmtpServer, reply: str, goes_on: bool) -> None:
    server.goes_on_without_recipients = goes_on
    for number in (0, 5, 6, 7, 19):
        server.refuse(Stage.RCPT, reply, recipient=reader(number))

    result = hand_over(server, 20, connections=1)

    refused = Fate.BAD_ADDRESS if reply.startswith("5") else Fate.DEFERRED
    assert {number for number, fate in result.fates.items() if fate is refused} == {0, 5, 6, 7, 19}
    assert result.responses[5] == reply
    assert result.counts()[Fate.ACCEPTED] == 15
    check_books(server, result, 20)


@pytest.mark.parametrize(
    ("reply", "fate"), [("451 4.3.0 later", Fate.DEFERRED), ("554 5.6.0 not such content", Fate.REFUSED)]
)
def test_refused_content_reaches_nobody_else(server: SmtpServer, reply: str, fate: Fate) -> None:
    for number in (3, 9):
        server.refuse(Stage.MESSAGE, reply, recipient=reader(number))

    result = hand_over(server, 20, connections=1)

    assert {number for number, each in result.fates.items() if each is fate} == {3, 9}
    check_books(server, result, 20)


def test_every_fifth_deferred_is_every_fifth_deferred(server: SmtpServer) -> None:
    for number in range(0, 50, 5):
        server.refuse(Stage.RCPT, "454 4.7.0 busy", recipient=reader(number))

    result = hand_over(server, 50)

    assert result.counts() == {Fate.ACCEPTED: 40, Fate.DEFERRED: 10}
    check_books(server, result, 50)


def test_temporary_refusal_of_data_defers_the_reader() -> None:
    with SmtpServer(extensions=EXTENSIONS["pipelined"]) as server:
        server.refuse(Stage.DATA, "451 4.7.1 greylisted", recipient=reader(2))
        result = hand_over(server, 6)
        check_books(server, result, 6)

    assert result.fates[2] is Fate.DEFERRED


def test_sender_who_is_refused_is_told_at_once_and_nobody_is_blamed(server: SmtpServer) -> None:
    server.refuse(Stage.MAIL, "550 5.7.1 you are blocked", after=4)

    result = hand_over(server, 30)

    assert isinstance(result.error, SenderRefusedError)
    assert "blocked" in str(result.error)
    assert set(result.fates.values()) <= {Fate.ACCEPTED}
    check_books(server, result, 30)


@pytest.mark.parametrize(("stage", "most"), [(Stage.RCPT, 9), (Stage.MESSAGE, 2)])
def test_list_does_not_burn_however_many_are_under_way(server: SmtpServer, stage: Stage, most: int) -> None:
    server.refuse(stage, "550 5.1.1 no such user", after=6)

    result = hand_over(server, 100, connections=3, window=16)

    assert isinstance(result.error, SenderRefusedError)
    fates = list(result.fates.values())
    since_the_last_accepted = fates[len(fates) - fates[::-1].index(Fate.ACCEPTED) :]
    assert len(since_the_last_accepted) <= most
    check_books(server, result, 100)


# --- limits -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reply", ["421 4.7.0 too many connections", "454 4.7.0 busy", "554 go away"])
def test_fewer_connections_are_used_when_no_more_are_had(server: SmtpServer, reply: str) -> None:
    server.refuse(Stage.CONNECT, reply, after=1)

    result = hand_over(server, 200, connections=4)

    assert result.counts() == {Fate.ACCEPTED: 200}
    assert server.connection_count <= 3
    check_books(server, result, 200)


def test_server_that_greets_nobody_is_down(server: SmtpServer) -> None:
    server.refuse(Stage.CONNECT, "421 4.3.2 not now")

    result = hand_over(server, 5)

    assert isinstance(result.error, TransportDownError)
    assert "421" in str(result.error)
    assert result.fates == {}


@pytest.mark.parametrize("reply", ["421 4.7.0 enough for today", "451 4.7.1 too many on this connection"])
def test_server_that_takes_so_many_on_a_connection_gets_another(server: SmtpServer, reply: str) -> None:
    server.messages_per_connection, server.enough = 7, reply

    result = hand_over(server, 40, connections=2)

    assert result.counts() == {Fate.ACCEPTED: 40}
    check_books(server, result, 40)


def test_server_that_has_no_room_at_all_is_down_and_blames_nobody(server: SmtpServer) -> None:
    server.refuse(Stage.MAIL, "452 4.3.1 insufficient system storage", after=10)

    result = hand_over(server, 40)

    assert isinstance(result.error, TransportDownError)
    assert "452" in str(result.error)
    assert result.counts() == {Fate.ACCEPTED: 10}
    check_books(server, result, 40)


@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.DATA, Stage.BODY])
def test_service_that_closes_on_everybody_is_down_after_some_tries(server: SmtpServer, stage: Stage) -> None:
    if stage is Stage.DATA and "CHUNKING" in server.extensions:
        pytest.skip("there is no DATA in this dialogue")
    server.refuse(stage, "421 4.3.2 not today")

    result = hand_over(server, 40)

    assert isinstance(result.error, TransportDownError)
    assert result.counts().keys() <= {Fate.DEFERRED}
    assert sum(result.counts().values()) <= 4
    assert server.connection_count <= 8
    check_books(server, result, 40)


def test_service_that_closes_on_one_reader_takes_all_others(server: SmtpServer) -> None:
    server.refuse(Stage.RCPT, "421 4.3.2 not this one", recipient=reader(3))

    result = hand_over(server, 20, connections=1)

    assert result.counts() == {Fate.ACCEPTED: 19, Fate.DEFERRED: 1}
    assert not result.error
    check_books(server, result, 20)


@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.MESSAGE])
def test_service_that_closes_in_the_middle_defers_one_and_takes_the_rest_later(
    server: SmtpServer, stage: Stage
) -> None:
    server.refuse(stage, "421 4.3.2 shutting down", after=5, times=1)

    result = hand_over(server, 20, connections=1)

    assert result.counts() == {Fate.ACCEPTED: 19, Fate.DEFERRED: 1}
    check_books(server, result, 20)
