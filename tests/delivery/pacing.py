"""Several processes that hand mails over by one limit to a real SMTP server, and how many came in any ten seconds."""

from __future__ import annotations

import multiprocessing
import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import count
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

from django.db import connection

from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.throttle.buckets import Reservation, Store, shared_store
from newsletter.delivery.throttle.lanes import Lane
from newsletter.delivery.transports.paced import PacedTransport
from tests.delivery.smtp_runs import EXTENSIONS, message, transport_to
from tests.servers.smtp import SmtpServer, Stage

BEGIN = 1.5  # seconds in which connections come about
WINDOW = 10.0
STEP = 0.02  # seconds between the windows that are looked at


class Setting(NamedTuple):
    """Latencies are whole round trips in seconds."""

    rate: float
    processes: int
    store_latency: float = 0.0
    relay_latency: float = 0.0


class FarStore:
    """A store that is so far away."""

    def __init__(self, store: Store, latency: float) -> None:
        self.may_be_far = store.may_be_far
        self._store, self._latency = store, latency

    def reserve(self, key: str, *, rate: float, count: int, ahead: float, is_urgent: bool) -> Reservation:
        time.sleep(self._latency / 2)
        found = self._store.reserve(key, rate=rate, count=count, ahead=ahead, is_urgent=is_urgent)
        time.sleep(self._latency / 2)
        return found

    def give_back(self, key: str, *, seconds: float) -> None:
        time.sleep(self._latency)
        self._store.give_back(key, seconds=seconds)


def arrivals(setting: Setting, *, key: str, seconds: float = 1.0) -> list[float]:
    """When each mail came in, in seconds since the first; ``seconds`` more than one window."""
    came_at: list[float] = []
    context = multiprocessing.get_context("fork")
    start = context.Barrier(setting.processes)
    server = SmtpServer(extensions=EXTENSIONS["chunked"], on_message=lambda _mail: came_at.append(time.monotonic()))
    with server:
        if setting.relay_latency:
            server.slow_down(Stage.BODY, setting.relay_latency)
        connection.close()
        how_long = BEGIN + WINDOW + seconds
        workers = [
            context.Process(target=_work, args=(server, setting, key, how_long, start))
            for _worker in range(setting.processes)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert all(worker.exitcode == 0 for worker in workers), "a worker died: see above"
    came_at.sort()
    return [moment - came_at[0] for moment in came_at]


def extremes(came_at: list[float]) -> tuple[int, int]:
    """The fewest and the most in ten seconds, once the connections had come about."""
    last = came_at[-1] - WINDOW
    begins = (BEGIN + number * STEP for number in range(int((last - BEGIN) / STEP)))
    found = [bisect_left(came_at, begin + WINDOW) - bisect_left(came_at, begin) for begin in begins]
    return min(found), max(found)


def _work(server: SmtpServer, setting: Setting, key: str, seconds: float, start: Barrier) -> None:
    connection.close()
    start.wait(timeout=60)
    ends_at = time.monotonic() + seconds
    lane = Lane(
        FarStore(shared_store(), setting.store_latency), key, rate=setting.rate,
        seconds_left=lambda: max(ends_at - time.monotonic(), 0),
    )  # fmt: skip
    with PacedTransport(transport_to(server, connections=8, window=1), lane) as transport:
        for _outcome in transport.deliver(_until(ends_at)):
            pass
    connection.close()


def _until(ends_at: float) -> Iterator[Outgoing]:
    for number in count(1):
        if time.monotonic() >= ends_at:
            return
        yield message(number, size=300)
