"""How many messages may be under way on a connection at the same time.

As with a transport protocol: a connection begins with one message, and every message that is taken doubles the window,
up to USUAL. Beyond that it grows only while all answers come about as soon as the soonest, with as many messages under
way as the window lets, and with time on our hands: then it is the way there and back that takes the time, and more of
them fit on it. A server that is near, or that needs its time for each message, keeps the usual window, so that few are
in doubt if it dies.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

USUAL = 8
_AS_SOON = 1.5  # times the soonest answer: nothing queues at the server
_LATE = 3.0  # times: it queues
_IDLE = 0.2  # of the time in which we wait for an answer we have nothing else to do: it is not we who are slow


class Moment(NamedTuple):
    """``at`` and ``idle``, the time so far in which there was nothing to do, in seconds; also spans of both."""

    at: float
    idle: float


class Stopwatch:
    """What took time, and how much of it the process only waited."""

    def __init__(self) -> None:
        self.idle = 0.0  # kept by whoever waits

    def moment(self) -> Moment:
        return Moment(time.monotonic(), self.idle)

    def since(self, moment: Moment) -> Moment:
        return Moment(time.monotonic() - moment.at, self.idle - moment.idle)


class Window:
    """``size`` is between 1 and ``most``."""

    def __init__(self, most: int) -> None:
        self.size = 1
        self._most = most
        self._usual = min(USUAL, most)
        self._soonest = math.inf  # seconds
        self._soon_count = self._late_count = 0  # answers one after the other

    def narrow(self) -> None:
        """Let one message go first again."""
        self.size = 1

    def note_taken(self, took: Moment, *, under_way: int) -> None:
        """A message was taken, so long after it was written, with so many others under way by now."""
        self._soonest = min(self._soonest, took.at)
        if self.size < self._usual:
            self._resize(min(self.size * 2, self._usual))
            return
        is_soon = took.at <= _AS_SOON * self._soonest and took.idle >= _IDLE * took.at
        self._soon_count = self._soon_count + 1 if is_soon else 0
        self._late_count = self._late_count + 1 if took.at > _LATE * self._soonest else 0
        if self._soon_count >= self.size and under_way * 2 >= self.size:
            self._resize(min(self.size * 2, self._most))
        elif self._late_count >= 2 * self.size:  # not for the moment in which we had other things to do
            self._resize(max(self.size // 2, self._usual))

    def _resize(self, size: int) -> None:
        self.size = size
        self._soon_count = self._late_count = 0
