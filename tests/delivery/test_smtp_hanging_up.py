"""The SMTP transport and servers that hang up, fall silent or talk nonsense, at any stage and in any order."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.delivery.outcomes import Fate, TransportDownError
from tests.delivery.smtp_runs import EXTENSIONS, check_books, hand_over, message, reader, run, transport_to
from tests.servers.smtp import SmtpServer, Stage


# --- hanging up -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT])
def test_hang_up_before_the_content_loses_nothing(server: SmtpServer, stage: Stage) -> None:
    server.hang_up(stage, after=6, times=1)

    result = hand_over(server, 20, connections=1)

    check_books(server, result, 20)
    assert Fate.DEFERRED not in result.counts()


def test_hang_up_after_the_content_leaves_what_was_handed_over_unknown(server: SmtpServer) -> None:
    server.hang_up(Stage.STORED, after=6, times=1)

    result = hand_over(server, 20, connections=1)

    counts = result.counts()
    assert 1 <= counts[Fate.UNKNOWN] <= 4
    assert counts[Fate.ACCEPTED] + counts[Fate.UNKNOWN] == 20
    check_books(server, result, 20)


def test_hang_up_in_the_middle_of_a_large_content_has_handed_nothing_over() -> None:
    with SmtpServer(extensions=EXTENSIONS["pipelined"]) as server:
        server.hang_up(Stage.BODY, after=1, times=1)
        with transport_to(server, connections=1) as transport:
            large = message(1, size=9_000_000)
            result = run(transport, [message(0), large, message(2)])

    assert result.counts() == {Fate.ACCEPTED: 3}  # it was tried again on another connection
    assert server.connection_count == 2


def test_repeat_over_which_the_server_hangs_up_is_known_not_to_be_handed_over(server: SmtpServer) -> None:
    server.hang_up(Stage.BODY, recipient=reader(1))
    repeats = [message(number)._replace(is_repeat=True) for number in range(3)]

    with transport_to(server) as transport:
        result = run(transport, [*repeats, message(3)])

    assert result.fates == {0: Fate.ACCEPTED, 1: Fate.DEFERRED, 2: Fate.ACCEPTED, 3: Fate.ACCEPTED}
    assert sorted(server.recipients()) == [reader(0), reader(2), reader(3)]


@pytest.mark.parametrize("stage", [Stage.BODY, Stage.MESSAGE, Stage.STORED])
def test_server_that_always_hangs_up_is_down_after_some_tries(server: SmtpServer, stage: Stage) -> None:
    server.hang_up(stage)

    result = hand_over(server, 50)

    assert isinstance(result.error, TransportDownError)
    assert len(result.fates) <= 9
    check_books(server, result, 50)


@pytest.mark.parametrize(("hang_ups", "told"), [(0, [True, False]), (1, [True, True, False])])
def test_repeat_tells_whether_its_end_is_held_back(server: SmtpServer, hang_ups: int, told: list[bool]) -> None:
    heard: list[bool] = []
    server.hang_up(Stage.BODY, recipient=reader(1), times=hang_ups)
    repeat = message(1)._replace(is_repeat=True, note_held=heard.append)

    with transport_to(server) as transport:
        result = run(transport, [message(0), repeat, message(2)])

    assert result.counts() == {Fate.ACCEPTED: 3}
    assert heard == told
    assert server.recipients().count(reader(1)) == 1


def test_server_that_dies_for_good_is_down(server: SmtpServer) -> None:
    hold = server.hold(Stage.RCPT, after=10)

    def stop() -> None:
        hold.wait()
        server.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()

    result = hand_over(server, 3000)
    stopper.join()

    assert isinstance(result.error, TransportDownError)
    check_books(server, result, 3000)


def test_idle_connection_that_was_closed_costs_nothing(server: SmtpServer) -> None:
    with transport_to(server) as transport:
        run(transport, map(message, range(4)))
        port = server.port
        server.stop()
        server.port = port
        server.start()
        result = run(transport, map(message, range(4, 8)))

    assert result.counts() == {Fate.ACCEPTED: 4}


# --- answers that are none --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.MESSAGE])
@pytest.mark.parametrize(
    "reply", ["banana", "999 9.9.9 x", "250" + "x" * 100_000, "250-more\r\n" * 5000 + "250 end", "250-a\r\n251 b"]
)
def test_answer_that_is_none_ends_the_connection_and_nothing_else(server: SmtpServer, stage: Stage, reply: str) -> None:
    server.refuse(stage, reply, after=5, times=1)

    result = hand_over(server, 20, connections=1)

    assert result.error is None
    assert result.counts().get(Fate.ACCEPTED, 0) >= 15
    check_books(server, result, 20)


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.EHLO])
def test_endless_greeting_is_not_read_to_the_end(server: SmtpServer, stage: Stage) -> None:
    server.refuse(stage, "220-hello\r\n" * 50_000 + "220 at last" if stage is Stage.CONNECT else "250-x\r\n" * 50_000)

    result = hand_over(server, 3)

    assert isinstance(result.error, TransportDownError)


def test_answer_that_does_not_come_in_time_is_not_waited_for(server: SmtpServer) -> None:
    hold = server.hold(Stage.STORED, after=3)

    result = hand_over(server, 12, connections=1, timeout=1)
    hold.release()

    assert 1 <= result.counts()[Fate.UNKNOWN] <= 4
    check_books(server, result, 12)


# --- anything ---------------------------------------------------------------------------------------------------------
REPLIES = {
    Stage.MAIL: ["451 4.3.0 x", "421 4.7.0 x", "452 4.3.1 x", "550 5.7.1 x", "banana"],
    Stage.RCPT: ["450 4.2.0 x", "454 4.7.0 x", "421 4.7.0 x", "550 5.1.1 x", "554 5.7.1 x", "banana"],
    Stage.DATA: ["451 4.7.1 x", "421 4.7.0 x", "554 5.5.1 x"],
    Stage.MESSAGE: ["451 4.3.0 x", "452 4.3.1 x", "421 4.3.2 x", "554 5.6.0 x"],
    Stage.STORED: ["354 x", "banana"],
    Stage.CONNECT: ["421 4.7.0 x", "554 x"],
}
refusals = st.sampled_from(sorted(REPLIES, key=lambda stage: stage.value)).flatmap(
    lambda stage: st.tuples(st.just(stage), st.sampled_from(REPLIES[stage]))
)
hang_ups = st.tuples(
    st.sampled_from([Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.MESSAGE, Stage.STORED]), st.none()
)
rules = st.tuples(refusals | hang_ups, st.integers(0, 12), st.integers(1, 3))


@pytest.mark.parametrize("mode", sorted(EXTENSIONS))
@settings(max_examples=40)
@given(script=st.lists(rules, max_size=5), connections=st.integers(1, 3), window=st.integers(1, 8), data=st.booleans())
def test_books_balance_whatever_the_server_does(
    mode: str, script: list[tuple[tuple[Stage, str | None], int, int]], connections: int, window: int, data: bool
) -> None:
    with SmtpServer(extensions=EXTENSIONS[mode], goes_on_without_recipients=data) as server:
        for (stage, reply), after, times in script:
            if reply is None:
                server.hang_up(stage, after=after, times=times)
            else:
                server.refuse(stage, reply, after=after, times=times)

        result = hand_over(server, 15, connections=connections, window=window)

        server.stop()  # what is still being read is taken or not by then
        check_books(server, result, 15)


def test_what_came_back_waits_for_another_connection_only_as_long_as_nobody_need_ask_again() -> None:
    """Meanwhile a person may have stopped the campaign, or a reader have left."""
    with SmtpServer(extensions=EXTENSIONS["chunked"], messages_per_connection=1, enough="421 4.3.2 enough") as server:
        server.slow_down(Stage.CONNECT, 2, after=1)

        result = hand_over(server, 8, connections=1, window=8)

    assert (result.error, result.drawn_count) == (None, 8)
    assert sorted(server.recipients()) == [reader(number) for number in sorted(result.fates)]
    assert not {1, 2} & result.fates.keys()  # which were behind the first when it was enough
