"""Gathers messages into batches that can go in one call: one letter, one format, no address twice."""

from __future__ import annotations

import time
from collections import OrderedDict

from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.providers.abilities import Abilities, Way

LINGER_SECONDS = 0.2  # how long an incomplete batch waits for more of its letter while nothing comes
MAX_LETTERS = 16  # incomplete batches at most: readers come edition by edition
MAX_OPEN = 2  # times the size of a batch: so many messages wait in incomplete batches at most

type Batch = list[Outgoing]
type _Key = tuple[int, str]


class Sorter:
    """``add`` and ``flush`` return the batches that are complete; ``batch_size`` may change between them."""

    def __init__(self, abilities: Abilities, *, batch_size: int) -> None:
        self._abilities = abilities
        self.batch_size = batch_size
        self._open: OrderedDict[_Key, Batch] = OrderedDict()
        self._addresses: dict[_Key, set[str]] = {}
        self._count = 0
        self._since = 0.0

    def __bool__(self) -> bool:
        """Whether messages wait in it."""
        return self._count > 0

    def add(self, message: Outgoing) -> list[Batch]:
        if self._abilities.way == Way.SINGLE or message.letter is None or message.reader is None:
            return [[message]]
        if not self._count:
            self._since = time.monotonic()
        key, address, ready = (id(message.letter), str(message.reader.kind)), message.recipient.lower(), []
        if address in self._addresses.get(key, ()):
            ready.append(self._close(key))
        batch = self._open.setdefault(key, [])
        batch.append(message)
        self._addresses.setdefault(key, set()).add(address)
        self._count += 1
        if len(batch) >= self._size(message):
            ready.append(self._close(key))
        while self._count > MAX_OPEN * self.batch_size or len(self._open) > MAX_LETTERS:
            ready.append(self._close(next(iter(self._open))))
        return ready

    def flush(self, *, only_old: bool = False) -> list[Batch]:
        """What waits; with ``only_old`` only if it has waited for LINGER_SECONDS."""
        if not self._count or (only_old and time.monotonic() - self._since < LINGER_SECONDS):
            return []
        return [self._close(key) for key in list(self._open)]

    def _close(self, key: _Key) -> Batch:
        batch = self._open.pop(key)
        del self._addresses[key]
        self._count -= len(batch)
        return batch

    def _size(self, message: Outgoing) -> int:
        """How many readers of this letter fit into a call."""
        if self._abilities.way != Way.VERSIONS or message.letter is None:
            return self.batch_size
        bytes_each = (len(message.letter.mail.text) + len(message.letter.mail.html)) * 5 // 4
        return max(1, min(self.batch_size, self._abilities.max_bytes // bytes_each))
