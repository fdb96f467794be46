"""A limit is kept and used up in any ten seconds, by however many processes and however far all is."""

from __future__ import annotations

import time

import pytest

from newsletter.delivery.throttle.buckets import CATCH_UP, Reservation
from newsletter.delivery.throttle.lanes import LATE, Lane
from tests.delivery.pacing import Setting, arrivals, extremes


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "setting", [Setting(100, 1), Setting(100, 4, store_latency=0.05, relay_latency=0.02)], ids=["near", "far"]
)
def test_processes_use_a_limit_up_and_keep_it(setting: Setting) -> None:
    """On a busy machine mails come late and in heaps: `make bench-limits` shows the 2 % on an idle one."""
    fewest, most = extremes(arrivals(setting, key=f"test:{setting.processes}"))

    assert fewest >= 0.9 * 10 * setting.rate
    assert most <= 1.05 * 10 * setting.rate


class Endless:
    """A store of which nobody else takes anything."""

    may_be_far = False

    def __init__(self) -> None:
        self.asked_count = 0
        self.given_back = 0.0
        self._free = 0.0

    def reserve(self, key: str, *, rate: float, count: int, ahead: float, is_urgent: bool) -> Reservation:
        self.asked_count += 1
        now = time.monotonic()
        start = self._free = max(self._free, now - CATCH_UP)
        if start - now > ahead:
            return Reservation(0, start - now, now)
        self._free += count / rate
        return Reservation(count, start - now, now)

    def give_back(self, key: str, *, seconds: float) -> None:
        self.given_back += seconds


def test_a_worker_that_was_held_up_does_not_make_up_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    lane = Lane(Endless(), "x", rate=100)
    lane.wait()

    moment += 30
    at_once = 0
    while not lane.wait():
        lane.take()
        at_once += 1

    assert 0 < at_once <= 100 * LATE + 1


def test_nothing_is_reserved_for_after_the_turn() -> None:
    store = Endless()
    lane = Lane(store, "x", rate=100, seconds_left=lambda: 0.0)

    waits = [lane.wait() for _ in range(3)]

    assert all(waits)
    assert store.asked_count == 0


def test_a_changed_rate_holds_without_losing_what_was_reserved() -> None:
    store = Endless()
    lane = Lane(store, "x", rate=100)
    lane.wait()

    lane.rate = 10
    lane.close()

    assert store.given_back == pytest.approx(0.1, abs=0.02)
