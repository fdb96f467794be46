"""One worker's share of a limit: moments that it has reserved and not used yet."""

from __future__ import annotations

import time
from collections import deque

from newsletter.delivery.throttle.buckets import Store

BLOCK = 0.5  # seconds' worth that are reserved at a time, and how long before they end the next are


class Lane:
    """``wait`` says how many seconds until one more may go; ``take`` uses that moment. Not thread-safe."""

    def __init__(self, store: Store, key: str, *, rate: float, is_urgent: bool = False) -> None:
        self.rate = rate
        self._store, self._key, self._is_urgent = store, key, is_urgent
        self._blocks: deque[list[float]] = deque()  # of [the next moment, how many are left]
        self._end = 0.0  # of the last block
        self._ask_at = 0.0
        self._ahead = BLOCK

    def wait(self) -> float:
        """0: now."""
        now = time.monotonic()
        if self._end - now < self._ahead and now >= self._ask_at:
            self._reserve()
            now = time.monotonic()
        if not self._blocks:
            return max(self._ask_at - now, 0.001)
        return max(self._blocks[0][0] - now, 0.0)

    def take(self) -> None:
        block = self._blocks[0]
        block[0] += 1 / self.rate
        block[1] -= 1
        if block[1] < 1:
            self._blocks.popleft()

    def close(self) -> None:
        """What is left is another worker's."""
        if left := sum(block[1] for block in self._blocks):
            self._store.give_back(self._key, seconds=left / self.rate)
        self._blocks.clear()

    def _reserve(self) -> None:
        """A slow answer is asked for earlier the next time."""
        asked_at, wanted = time.monotonic(), max(int(self.rate * BLOCK), 1)
        count, delay = self._store.reserve(
            self._key, rate=self.rate, count=wanted, ahead=2 * self._ahead, is_urgent=self._is_urgent
        )
        now = time.monotonic()
        self._ahead = max(BLOCK, 2 * (now - asked_at))
        if not count:
            self._ask_at = now + max(delay - self._ahead, 0.01)
            return
        self._blocks.append([now + delay, count])
        self._end = now + delay + count / self.rate
