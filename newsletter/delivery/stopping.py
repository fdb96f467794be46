"""Whether this worker shall stop: one byte that a worker's main process shares with the processes it has forked."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from newsletter.delivery.transports.base import Transport

LOOK_EVERY = 0.2  # seconds
GRACE = 4.0  # seconds for what is with the server: a container is killed after ten

_flag = mmap.mmap(-1, 1)


def ask() -> None:
    """Hand over nothing more; what is under way is finished. For a signal handler."""
    _flag[0] = 1


def withdraw() -> None:
    _flag[0] = 0


def is_asked() -> bool:
    return _flag[0] == 1


@contextmanager
def obeyed_by(transport: Transport) -> Iterator[None]:
    """While inside, a transport that waits for its server is told as well."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_EVERY):
            if is_asked():
                transport.stop(grace=GRACE)
                return

    watcher = threading.Thread(target=watch, name="stopping", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
