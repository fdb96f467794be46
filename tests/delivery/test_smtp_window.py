"""How many messages are under way at once, with servers that are near, far, and slow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from newsletter.delivery.outcomes import Fate
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.smtp import SmtpOptions, SmtpTransport
from newsletter.delivery.transports.smtp.window import USUAL, Moment, Window
from tests.benchmarks.sinks import FastSink
from tests.delivery.smtp_runs import message
from tests.servers.smtp import SmtpServer, Stage

MOST = 64


def taken(window: Window, seconds: list[float], *, idle: float = 0.9) -> list[int]:
    """The window's sizes after each of these answers, with as many under way as it lets; ``idle`` is a share."""
    sizes = []
    for each in seconds:
        window.note_taken(Moment(each, idle * each), under_way=window.size - 1)
        sizes.append(window.size)
    return sizes


def far_window() -> Window:
    window = Window(MOST)
    assert taken(window, [0.02] * 200)[-1] == MOST
    return window


def test_begins_with_one_and_doubles_with_every_message_that_is_taken() -> None:
    assert taken(Window(MOST), [0.02] * 4) == [2, 4, 8, 8]
    assert taken(Window(4), [0.02] * 100)[-1] == 4


def test_grows_beyond_the_usual_where_the_way_takes_the_time() -> None:
    sizes = taken(Window(MOST), [0.02, 0.021, 0.024] * 60)

    assert sizes[-1] == max(sizes) == MOST
    assert sorted(set(sizes)) == [2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("seconds", [0.0001, 0.01])
def test_stays_usual_where_messages_wait_for_each_other(seconds: float) -> None:
    """Each takes so long at the server, near or far: the eighth has waited for seven."""
    window = Window(MOST)

    sizes = []
    for _ in range(200):
        sizes += taken(window, [seconds * place for place in range(1, window.size + 1)])

    assert max(sizes) == USUAL


def test_does_not_grow_while_it_is_not_made_use_of() -> None:
    window = Window(MOST)

    for _ in range(200):
        window.note_taken(Moment(0.02, 0.02), under_way=1)

    assert window.size == USUAL


def test_does_not_grow_where_we_are_the_slow_ones() -> None:
    """Many connections: each has its turn as late as the others."""
    assert taken(Window(MOST), [0.02] * 200, idle=0.05)[-1] == USUAL


def test_shrinks_to_the_usual_when_the_server_becomes_slow_but_not_for_a_moment() -> None:
    window = far_window()

    assert taken(window, [0.2] * MOST + [0.02])[-1] == MOST
    assert taken(window, [0.2] * 10 * MOST)[-1] == USUAL


def test_one_goes_first_again_after_a_pause() -> None:
    window = far_window()

    window.narrow()

    assert window.size == 1


# --- with servers -----------------------------------------------------------------------------------------------------
def most_under_way(host: str, port: int, count: int) -> int:
    """So many messages over one connection: how many were drawn and had no outcome at the same time."""
    drawn = settled = most = 0

    def messages() -> Iterator[Outgoing]:
        nonlocal drawn, most
        for number in range(count):
            yield message(number)
            drawn += 1
            most = max(most, drawn - settled)

    with SmtpTransport(SmtpOptions(host, port, connections=1), local_hostname="news.example") as transport:
        for outcome in transport.deliver(messages()):
            assert outcome.fate is Fate.ACCEPTED
            settled += 1
    assert settled == count
    return most


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_many_are_under_way_to_a_server_far_away() -> None:
    with FastSink(delay_ms=50) as sink:
        assert most_under_way("127.0.0.1", sink.port, 1200) > 4 * USUAL
        assert sink.figures()["distinct"] == 1200


def test_few_are_under_way_to_a_server_that_takes_its_time_for_each(chunked: SmtpServer) -> None:
    chunked.slow_down(Stage.MESSAGE, 0.005)

    assert most_under_way(chunked.host, chunked.port, 200) <= USUAL + 1
