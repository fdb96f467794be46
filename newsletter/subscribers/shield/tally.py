"""Counting in the cache, shared by all processes and hosts. It fails open: no number is better than no reader."""

from __future__ import annotations

import logging
import time
from enum import StrEnum

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

HOUR = 3600
WINDOW = 600  # seconds over which the rate of attempts is looked at
KEPT_HOURS = 24


class Layer(StrEnum):
    """What stopped or slowed somebody; ATTEMPT counts everybody who came past the limit of their network."""

    ATTEMPT = "attempt"
    HONEYPOT = "honeypot"
    TIME = "form_time"
    NETWORK = "network_limit"
    DOMAIN = "domain_limit"
    TOTAL = "total_limit"
    PROOF_GOOD = "proof_good"
    PROOF_BAD = "proof_bad"
    UNPROVEN = "unproven"
    BUDGET = "mail_budget"


def count(key: str, *, seconds: int) -> int:
    """How often ``key`` has been counted since its first time, this one included; it is forgotten after ``seconds``.

    0 if the cache does not answer.
    """
    try:
        cache.add(key, 0, timeout=seconds)
        return int(cache.incr(key))
    except (RedisError, OSError, ValueError) as error:  # ValueError: the key expired between the two calls
        complain(error)
        return 0


def seen(key: str) -> int:
    """What ``count`` last gave for this key, without counting; 0 if that was long ago."""
    return _found([key])[0]


def note(layer: Layer) -> None:
    """Count for the page, by the hour, and for /metrics, for ever."""
    try:
        hour = f"shield:{layer}:{int(time.time()) // HOUR}"
        for key, timeout in ((hour, (KEPT_HOURS + 1) * HOUR), (f"shield:{layer}", None)):
            cache.add(key, 0, timeout=timeout)
            cache.incr(key)
    except (RedisError, OSError, ValueError) as error:
        complain(error)


def note_attempt() -> None:
    note(Layer.ATTEMPT)
    count(f"shield:rate:{int(time.time()) // WINDOW}", seconds=3 * WINDOW)


def recent_attempts() -> int:
    """Attempts of the last ten minutes, the older window taken in proportion. 0 if the cache does not answer."""
    now = time.time()
    window, elapsed = int(now) // WINDOW, now % WINDOW / WINDOW
    found = _found([f"shield:rate:{window}", f"shield:rate:{window - 1}"])
    return round(found[0] + found[1] * (1 - elapsed))


def last_day() -> dict[Layer, int]:
    """What each layer counted in this hour and the twenty-three before it."""
    hour = int(time.time()) // HOUR
    keys = [f"shield:{layer}:{hour - back}" for layer in Layer for back in range(KEPT_HOURS)]
    found = _found(keys)
    return {layer: sum(found[at * KEPT_HOURS : (at + 1) * KEPT_HOURS]) for at, layer in enumerate(Layer)}


def totals() -> dict[str, int]:
    """What each layer has counted since the cache was last emptied."""
    return dict(zip((layer.value for layer in Layer), _found([f"shield:{layer}" for layer in Layer]), strict=True))


def complain(error: Exception) -> None:
    logger.warning("Sign-ups are not limited, the cache does not answer (%s).", type(error).__name__)


def _found(keys: list[str]) -> list[int]:
    try:
        values = cache.get_many(keys)
    except (RedisError, OSError) as error:
        complain(error)
        values = {}
    return [int(values.get(key, 0)) for key in keys]
