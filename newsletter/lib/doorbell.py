"""Ringing for a worker: a Celery message that says "look now" once the transaction is committed.

What is due stands in the database, and a sweep finds it if nobody rings. So a broker that is down costs a moment of
patience, never a request: the failure is logged and, for some seconds, nobody tries again.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

REST_SECONDS = 4.0  # less than from one sweep to the next (config/settings.py), which must not find the bell silent
_silent_until = 0.0  # by time.monotonic()


class Task(Protocol):
    """As much of a Celery task as ringing needs."""

    name: str

    def apply_async(self, *, kwargs: dict[str, Any], retry: bool, queue: str = ..., expires: float = ...) -> Any: ...


def ring(task: Task, **kwargs: int) -> None:
    """Ask for ``task`` with these ids after the commit. Never raises, never waits longer than the time-outs set."""
    transaction.on_commit(lambda: _call(task, kwargs), robust=True)


def ring_now(task: Task, *, queue: str | None = None, expires: float | None = None, **kwargs: int) -> None:
    """The same at once, for sweeps; raises nothing when the broker is away.

    ``queue`` is another one than the task's own; nobody answers a ring that is older than ``expires`` seconds.
    """
    given = {"queue": queue, "expires": expires}
    _call(task, kwargs, **{name: value for name, value in given.items() if value is not None})


def _call(task: Task, kwargs: dict[str, int], **options: Any) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        task.apply_async(kwargs=kwargs, retry=False, **options)
    except (OperationalError, RedisError, OSError) as error:
        _silent_until = time.monotonic() + REST_SECONDS
        logger.warning("The broker does not answer (%s); %s waits for the sweep.", type(error).__name__, task.name)
