"""Is it alive: the database, the broker, the scheduler with its workers, and whether work is piling up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.db.models import Min, QuerySet

from articles.models import Feed
from newsletter.delivery.models import Campaign, TransportOutage
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers import live_site
from newsletter.subscribers.models import Attack, PersonalMail, SignUp

HEARTBEAT_KEY = "heartbeat"
STALE_SECONDS = 60  # the heart beats every 10
LATE_SECONDS = 300  # the sweeps come every 5 to 15
STARTED_AT = time.monotonic()


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. ``detail`` is for people; it holds no address, host or secret."""

    name: str
    is_ok: bool
    detail: str
    seconds: int | None = None


def uptime() -> float:
    """Seconds since this process was started."""
    return time.monotonic() - STARTED_AT


def record_heartbeat(*, now: datetime) -> None:
    """Note that the scheduler rang and a worker answered. Raises redis.RedisError without a broker."""
    cache.set(HEARTBEAT_KEY, now.timestamp(), timeout=None)


def examine(*, now: datetime) -> list[Check]:
    """Everything that must be well for readers to get their mail."""
    database = check_database()
    broker = check_broker()
    return [
        database,
        broker,
        check_heartbeat(now=now, uptime=uptime())
        if broker.is_ok
        else Check("heartbeat", is_ok=False, detail="the broker is away"),
        check_waiting(now=now) if database.is_ok else Check("waiting", is_ok=False, detail="the database is away"),
    ]


def check_database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return Check("database", is_ok=False, detail="does not answer")
    return Check("database", is_ok=True, detail="answers")


def check_broker() -> Check:
    try:
        broker_client().ping()
    except redis.RedisError:
        return Check("broker", is_ok=False, detail="does not answer")
    return Check("broker", is_ok=True, detail="answers")


def check_heartbeat(*, now: datetime, uptime: float) -> Check:
    """The age of the last sign that the scheduler rings and a worker answers.

    ``uptime`` is in seconds: a site that has just started, for the first time or again, is given time for its next one.
    """
    age = heartbeat_age(now=now)
    if age is not None and age <= STALE_SECONDS:
        return Check("heartbeat", is_ok=True, detail="the scheduler rings and a worker answers", seconds=age)
    detail = "never yet" if age is None else "the scheduler or every worker is away or busy"
    return Check("heartbeat", is_ok=uptime < STALE_SECONDS, detail=detail, seconds=age)


def heartbeat_age(*, now: datetime) -> int | None:
    """Seconds since the last heartbeat; None if there never was one. Raises redis.RedisError without a broker."""
    beat_at = cache.get(HEARTBEAT_KEY)
    return None if beat_at is None else max(0, int(now.timestamp() - beat_at))


def check_waiting(*, now: datetime) -> Check:
    """How late the oldest work is that should have been taken up by now."""
    try:
        oldest = min(filter(None, _waiting_since(now)), default=now)
    except Error:
        return Check("waiting", is_ok=False, detail="the database is not up to date: run manage.py migrate")
    late = max(0, int((now - oldest).total_seconds()))
    is_ok = late <= LATE_SECONDS
    return Check("waiting", is_ok=is_ok, detail="the oldest work that is due" if late else "nothing", seconds=late)


def _waiting_since(now: datetime) -> list[datetime | None]:
    return [
        _oldest(PersonalMail.objects.unmailed(), "created_at"),
        _oldest(SignUp.objects.unmailed().exclude(response__in=SignUp.PUT_OFF), "created_at"),
        _oldest(Schedule.objects.due(now), "next_run_at"),
        _oldest(Issue.objects.ready(now), "send_at"),
        _oldest(Feed.objects.due(now), "next_poll_at"),
        _oldest(Campaign.objects.idle(now), "last_sign_at"),
    ]


def _oldest(rows: QuerySet[Any], field: str) -> datetime | None:
    moment = rows.order_by().aggregate(oldest=Min(field))["oldest"]
    assert moment is None or isinstance(moment, datetime)
    return moment


def attention(*, now: datetime) -> dict[str, int]:
    """What waits for a person: it does not make the service unhealthy, but nobody else will settle it."""
    return {
        "held_back_sites": int(live_site.doubt() is not None),
        "held_issues": Issue.objects.filter(status=Issue.Status.HELD).count(),
        "paused_campaigns": Campaign.objects.waiting_for_a_person().count(),
        "stuck_campaigns": Campaign.objects.stuck(now).count(),
        "transports_left_out": TransportOutage.objects.lasting(now).count(),
        "sign_up_attacks": Attack.objects.open().count(),
        "failing_feeds": Feed.objects.failing().count(),
        "gone_feeds": Feed.objects.filter(status=Feed.Status.GONE).count(),
    }


def broker_client() -> redis.Redis:
    """A client of the broker that gives up after a few seconds."""
    place: dict[str, Any] = settings.CACHES["default"]
    return redis.Redis.from_url(place["LOCATION"], **place["OPTIONS"])
