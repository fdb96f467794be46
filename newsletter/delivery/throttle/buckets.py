"""Buckets that all workers share: who wants to send reserves the next free moments of a limit, some at a time.

A bucket is one number: until when its mails are given out. So a limit holds however many workers there are and however
long an answer takes. Time is the server's. Urgent mail goes at once, and what it takes the others make up for.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import NamedTuple, Protocol

import redis
from django.conf import settings
from django.db import connection, transaction

from newsletter.delivery.speeds import SpeedBucket

MOST_AHEAD = 3000.0  # seconds that a limit may be given out ahead: more means that the clock was set back
CATCH_UP = 0.15  # seconds: what was not used for as long may still be, which is 1.5 % of ten seconds


class Reservation(NamedTuple):
    """So many mails may go, evenly, from ``delay`` seconds after ``now``, the server's; of none: when to ask again."""

    mails: int
    delay: float
    now: float


class Store(Protocol):
    """``may_be_far``: an answer takes so long that it should be waited for in another thread."""

    may_be_far: bool

    def reserve(self, key: str, *, rate: float, count: int, ahead: float, is_urgent: bool) -> Reservation:
        """The next moments; none if they begin later than ``ahead`` seconds from now."""
        ...

    def give_back(self, key: str, *, seconds: float) -> None:
        """So much of what was reserved is not needed."""
        ...


_RESERVE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, count, ahead, catch_up = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function free_from(key)
  local value = tonumber(redis.call('GET', key) or now)
  if value - now > tonumber(ARGV[6]) + 2 * count / rate then value = now end
  return math.max(value, now - catch_up)
end
local free = free_from(KEYS[1])
local start = free
if ARGV[5] == '1' then start = free_from(KEYS[2]) end
local told = string.format('%.6f', now)
if start - now > ahead then return {0, tostring(start - now), told} end
local function keep(key, value)
  redis.call('SET', key, string.format('%.6f', value), 'PX', math.ceil((value - now) * 1000) + 60000)
end
keep(KEYS[1], free + count / rate)
if ARGV[5] == '1' then keep(KEYS[2], start + count / rate) end
return {count, tostring(start - now), told}
"""
_GIVE_BACK = """
local free = redis.call('GET', KEYS[1])
if free then redis.call('SET', KEYS[1], string.format('%.6f', free - ARGV[1]), 'KEEPTTL') end
"""


class RedisStore:
    """One small script a reservation. Raises redis.RedisError."""

    may_be_far = True

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._reserve = client.register_script(_RESERVE)
        self._give_back = client.register_script(_GIVE_BACK)

    def reserve(self, key: str, *, rate: float, count: int, ahead: float, is_urgent: bool) -> Reservation:
        keys = [f"throttle:{key}", f"throttle:urgent:{key}"]
        taken, delay, now = self._reserve(keys=keys, args=[rate, count, ahead, CATCH_UP, int(is_urgent), MOST_AHEAD])
        return Reservation(int(taken), float(delay), float(now))

    def give_back(self, key: str, *, seconds: float) -> None:
        self._give_back(keys=[f"throttle:{key}"], args=[seconds])


class DatabaseStore:
    """A row for each limit, locked for the moment of a reservation. For the thread whose connection it is."""

    may_be_far = False

    def reserve(self, key: str, *, rate: float, count: int, ahead: float, is_urgent: bool) -> Reservation:
        with transaction.atomic():
            bucket = self._locked(key)
            urgent = self._locked(f"urgent:{key}") if is_urgent else None
            now = _now()
            most = MOST_AHEAD + 2 * count / rate
            free = _free_from(bucket, now, most_ahead=most)
            start = _free_from(urgent, now, most_ahead=most) if urgent else free
            if start - now > ahead:
                return Reservation(0, start - now, now)
            self._keep(bucket, free + count / rate)
            if urgent:
                self._keep(urgent, start + count / rate)
        return Reservation(count, start - now, now)

    def give_back(self, key: str, *, seconds: float) -> None:
        with transaction.atomic():
            bucket = self._locked(key)
            self._keep(bucket, bucket.taken_until - seconds)

    def _locked(self, key: str) -> SpeedBucket:
        return SpeedBucket.objects.select_for_update().get_or_create(key=key)[0]

    def _keep(self, bucket: SpeedBucket, taken_until: float) -> None:
        bucket.taken_until = taken_until
        bucket.save(update_fields=["taken_until"])


class FallbackStore:
    """Redis, and the database while Redis is away."""

    may_be_far = True

    def __init__(self, first: RedisStore, second: DatabaseStore) -> None:
        self._first, self._second = first, second

    def reserve(self, key: str, *, rate: float, count: int, ahead: float, is_urgent: bool) -> Reservation:
        try:
            return self._first.reserve(key, rate=rate, count=count, ahead=ahead, is_urgent=is_urgent)
        except redis.RedisError:
            return self._second.reserve(key, rate=rate, count=count, ahead=ahead, is_urgent=is_urgent)

    def give_back(self, key: str, *, seconds: float) -> None:
        try:
            self._first.give_back(key, seconds=seconds)
        except redis.RedisError:
            return  # for the workers it is as if they had been sent


def shared_store() -> Store:
    """Redis where the operator has one, the database otherwise."""
    if not settings.REDIS_URL:
        return DatabaseStore()
    return FallbackStore(RedisStore(_client(settings.REDIS_URL)), DatabaseStore())


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def _free_from(bucket: SpeedBucket, now: float, *, most_ahead: float) -> float:
    taken_until = bucket.taken_until or now
    return max(now if taken_until - now > most_ahead else taken_until, now - CATCH_UP)


def _now() -> float:
    """The database server's clock, which all workers share."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
        return float(cursor.fetchone()[0])
