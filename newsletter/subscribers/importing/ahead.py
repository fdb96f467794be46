"""Doing the next piece of work while somebody still waits for the database over the last one, and no needless work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context


def ahead[Item](items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in a thread while the one before it is used. ``items`` must not ask the database.

    Whatever ``items`` raises is raised here, in its place. At most one item is made in vain.
    """

    def following() -> Item | None:
        return next(items, None)

    context = copy_context()  # the language, for one
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        waiting = pool.submit(context.run, following)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(context.run, following)
            yield item


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for cyclic garbage meanwhile, in the whole process: for some seconds of making very many objects that
    are no part of cycles. With it a third of an import's time was spent on looking at all of them again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
