"""Several calls of a provider's API at a time, each thread with its own connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from newsletter.delivery.transports.providers.calling import Caller, Kind, Result
from newsletter.delivery.transports.providers.sorting import Batch


class Calls:
    """At most ``connections`` calls at a time. The threads end with the process: a hung provider holds up no exit."""

    def __init__(self, make: Callable[[], Caller], *, connections: int) -> None:
        self.connections = connections
        self.running = 0
        self._make = make
        self._tasks: SimpleQueue[tuple[Any, Batch] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[Any, Result]] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, token: Any, batch: Batch) -> None:
        """Make the call for the batch; its result comes back with the token."""
        self.running += 1
        if len(self._threads) < min(self.running, self.connections):
            self._threads.append(threading.Thread(target=self._work, name="provider call", daemon=True))
            self._threads[-1].start()
        self._tasks.put((token, batch))

    def finished(self, timeout: float) -> tuple[Any, Result] | None:
        """The next result, waiting so many seconds; None if there is none by then."""
        try:
            token, result = self._results.get(timeout=timeout) if timeout > 0 else self._results.get_nowait()
        except Empty:
            return None
        self.running -= 1
        return token, result

    def close(self) -> None:
        for _thread in self._threads:
            self._tasks.put(None)
        self._threads = []

    def _work(self) -> None:
        caller: Caller | None = None
        while task := self._tasks.get():
            token, batch = task
            try:
                if caller is None:
                    caller = self._make()
                    caller.open()
                result = caller.call(batch)
            except BaseException as error:  # noqa: BLE001 (raised when all other calls are answered)
                result = Result(Kind.NOT_MADE, error=error)
            self._results.put((token, result))
        with suppress(OSError):
            if caller:
                caller.close()
