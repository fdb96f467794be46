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

REST_SECONDS = 10.0
_silent_until = 0.0  # by time.monotonic()


class Task(Protocol):
    """As much of a Celery task as ringing needs."""

    name: str

    def apply_async(self, *, kwargs: dict[str, Any], retry: bool) -> Any: ...


def ring(task: Task, **kwargs: int) -> None:
    """Ask for ``task`` with these ids after the commit. Never raises, never waits longer than the time-outs set."""
    transaction.on_commit(lambda: _ring_now(task, kwargs), robust=True)


def _ring_now(task: Task, kwargs: dict[str, int]) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        task.apply_async(kwargs=kwargs, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        _silent_until = time.monotonic() + REST_SECONDS
        logger.warning("The broker does not answer (%s); %s waits for the sweep.", type(error).__name__, task.name)
