"""One worker's share of a limit: moments that it has reserved and not used yet.

Few are reserved at a time and none is used later than LATE after its time, so that no ten seconds see more than the
limit, whatever held a worker up; and the next are asked for before the last is used, in another thread where the answer
may take a while, so that they see no fewer either.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from django.db import connections

from newsletter.delivery.throttle.buckets import Reservation, Store

LATE = 0.15  # seconds: a moment that passed longer ago is not used any more; one that is due always is
BLOCK = 0.1  # seconds' worth that are reserved at a time, and how long before they end the next are; more from afar
LOOK_AGAIN = 0.005  # seconds, while the store is asked
MAX_ASKING = 16  # limits that one process asks for at the same moment


@dataclass(slots=True)
class _Block:
    next_at: float
    left: int
    spacing: float

    def drop_late(self, now: float) -> None:
        """Whose time was too long ago is lost."""
        if (behind := now - max(LATE, self.spacing) - self.next_at) > 0:
            lost = min(math.ceil(behind / self.spacing), self.left)
            self.next_at += lost * self.spacing
            self.left -= lost


class _Answer(NamedTuple):
    asked_at: float
    reservation: Reservation
    answered_at: float


class Lane:
    """``wait`` says how many seconds until one more may go; ``take`` uses that moment. Not thread-safe.

    ``rate`` may be changed at any time. ``seconds_left``: until nothing more is taken; nothing is reserved for later.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        *,
        rate: float,
        is_urgent: bool = False,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self.rate = rate
        self._store, self._key, self._is_urgent = store, key, is_urgent
        self.seconds_left = seconds_left
        self._blocks: deque[_Block] = deque()
        self._asked: Future[_Answer] | None = None
        self._end = 0.0  # of the last block
        self._ask_at = 0.0
        self._ahead = BLOCK
        self._skew: float | None = None  # our clock less the store's

    def wait(self) -> float:
        """0: now."""
        if self._asked and self._asked.done():
            self._hear()
        now = time.monotonic()
        if not self._asked and self._end - now < self._ahead and now >= self._ask_at:
            self._ask()
            now = time.monotonic()
        while self._blocks:
            self._blocks[0].drop_late(now)
            if self._blocks[0].left:
                return max(self._blocks[0].next_at - now, 0.0)
            self._blocks.popleft()
        return LOOK_AGAIN if self._asked else max(self._ask_at - now, self._end - self._ahead - now, 0.001)

    def take(self) -> None:
        block = self._blocks[0]
        block.next_at += block.spacing
        block.left -= 1
        if not block.left:
            self._blocks.popleft()

    def close(self) -> None:
        """What is left is another worker's."""
        if self._asked:
            self._hear()
        now = time.monotonic()
        for block in self._blocks:
            block.drop_late(now)
        if left := sum(block.left * block.spacing for block in self._blocks):
            self._store.give_back(self._key, seconds=left)
        self._blocks.clear()
        self._end = 0.0

    def _ask(self) -> None:
        """The first answer is waited for: until then nothing may go."""
        ahead = min(2 * self._ahead, self.seconds_left())
        if ahead <= 0:
            self._ask_at = time.monotonic() + LOOK_AGAIN
        elif self._store.may_be_far and self._skew is not None:
            self._asked = _helpers(os.getpid()).submit(self._reserve_elsewhere, ahead)
        else:
            self._use(self._reserve(ahead))

    def _reserve(self, ahead: float) -> _Answer:
        asked_at, count = time.monotonic(), max(int(self.rate * self._ahead), 1)
        found = self._store.reserve(self._key, rate=self.rate, count=count, ahead=ahead, is_urgent=self._is_urgent)
        return _Answer(asked_at, found, time.monotonic())

    def _reserve_elsewhere(self, ahead: float) -> _Answer:
        """In a thread of its own, where the database is only asked while Redis is away."""
        try:
            return self._reserve(ahead)
        finally:
            connections.close_all()

    def _hear(self) -> None:
        asked, self._asked = self._asked, None
        if asked:
            self._use(asked.result())

    def _use(self, answer: _Answer) -> None:
        """A slow answer is asked for earlier the next time."""
        asked_at, found, answered_at = answer
        # It was the store's "now" after we asked and before we heard: however the latency varies, this hardly does.
        least, most = asked_at - found.now, answered_at - found.now
        self._skew = most if self._skew is None else min(max(self._skew, least), most)
        self._ahead = BLOCK + 2 * (answered_at - asked_at)
        start = found.now + found.delay + self._skew
        if not found.mails:
            self._ask_at = max(start - self._ahead, answered_at + 0.01)
            return
        spacing = 1 / self.rate
        self._blocks.append(_Block(start, found.mails, spacing))
        self._end = start + found.mails * spacing


@lru_cache(maxsize=1)
def _helpers(_pid: int) -> ThreadPoolExecutor:
    """This process's own."""
    return ThreadPoolExecutor(MAX_ASKING, thread_name_prefix="limits")
