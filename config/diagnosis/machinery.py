"""The database, the broker, the scheduler and its workers, the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError

from config.celery import app
from config.diagnosis.finding import Finding, is_public, note, well, wrong
from newsletter.insights import health, metrics
from newsletter.subscribers import live_site

MIN_FREE_BYTES = 500_000_000
PING_SECONDS = 5.0
QUEUES = ",".join(metrics.QUEUES)
OLDEST_TZDATA_YEARS = 1


def database() -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        yield wrong("database", f"The database does not answer: {_first_line(error)} Check DATABASE_URL.")
        return
    if waiting:
        yield wrong("database", f"{len(waiting)} migrations are not applied. Run: manage.py migrate")
    else:
        yield well("database", f"The database ({connection.display_name}) answers and is up to date.")


def broker() -> Iterator[Finding]:
    client = health.broker_client()
    try:
        client.ping()
    except redis.RedisError as error:
        yield wrong("broker", f"The broker does not answer: {_first_line(error)} Start the site, or check REDIS_URL.")
        return
    yield well("broker", "The broker answers.")
    try:
        yield from _broker_configuration(client)
    except redis.RedisError:
        yield note("broker-settings", "The broker does not tell its settings: see that appendonly is on and that "
                   "maxmemory-policy is noeviction.")  # fmt: skip


def _broker_configuration(client: redis.Redis) -> Iterator[Finding]:
    if _setting(client, "maxmemory-policy") == "noeviction":
        yield well("broker-eviction", "The broker evicts nothing.")
    else:
        yield wrong("broker-eviction", "The broker throws keys away when its memory is full, and queues with them. "
                    "Set maxmemory-policy to noeviction.")  # fmt: skip
    if _setting(client, "appendonly") == "yes":
        yield well("broker-persistence", "The broker keeps its queues over a restart.")
    else:
        yield note("broker-persistence", "The broker forgets its queues when it restarts. Nothing is lost, since the "
                   "sweeps ring again, but mail may be late by a minute. Set appendonly to yes.")  # fmt: skip


def _setting(client: redis.Redis, name: str) -> str:
    found = client.config_get(name)
    return str(found[name]) if isinstance(found, dict) and name in found else ""


def workers(*, now: datetime) -> Iterator[Finding]:
    """A worker answers what the scheduler rings: if that was lately, both are well; if not, who of them is away?"""
    try:
        age = health.heartbeat_age(now=now)
        if age is not None and age <= health.STALE_SECONDS:
            yield well("workers", f"The scheduler rang and a worker answered {age} seconds ago.")
            return
        is_worker_there = bool(app.control.broadcast("ping", reply=True, limit=1, timeout=PING_SECONDS))
    except (OperationalError, redis.RedisError):
        yield wrong("workers", "Without a broker nobody can tell whether workers and scheduler run.")
        return
    since = "ever" if age is None else f"for {age} seconds"
    if is_worker_there:
        yield wrong("scheduler", f"The scheduler has not rung {since}. Start exactly one: celery -A config beat")
    else:
        yield wrong("workers", f"No worker has answered {since}. Start one: celery -A config worker -Q {QUEUES}")


def work(*, now: datetime) -> Iterator[Finding]:
    """Is something due for long, or waiting for a person?"""
    try:
        waiting = health.check_waiting(now=now)
        attention = health.attention(now=now)
    except Error:
        return  # database() says why
    if attention.pop("held_back_sites"):
        yield wrong("live-site", f"{live_site.why_no_mail()} Decide with: manage.py live_site")
    if waiting.is_ok:
        yield well("due-work", "Nothing that is due waits for long.")
    else:
        yield wrong("due-work", f"Work has been due for {waiting.seconds} seconds. Look at the worker's log.")
    for what, count in attention.items():
        if count:
            words = what.replace("_", " ")
            yield note(what, f"{count} {words}: each waits for somebody to look at it in the admin.")


def disk() -> Iterator[Finding]:
    for name, folder in (("data", settings.DATA_DIR), ("media", settings.MEDIA_ROOT)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                yield well(f"{name}-writable", f"{folder} is writable.")
        except OSError as error:
            yield wrong(f"{name}-writable", f"Cannot write to {folder}: {error.strerror}. Check owner and rights.")
    free = shutil.disk_usage(settings.DATA_DIR).free if settings.DATA_DIR.exists() else MIN_FREE_BYTES
    if free < MIN_FREE_BYTES:
        yield wrong("disk-space", f"Only {free // 1_000_000} MB are free in {settings.DATA_DIR}. Make room.")


def time_zones(*, now: datetime) -> Iterator[Finding]:
    release = version("tzdata")
    if now.year - int(release.partition(".")[0]) > OLDEST_TZDATA_YEARS:
        yield note("time-zones", f"The time-zone data is of {release}; laws have changed since. Update tzdata.")
    else:
        yield well("time-zones", f"The time-zone data is of {release}.")


def user() -> Iterator[Finding]:
    if os.geteuid() == 0 and is_public():
        yield note("user", "This runs as root. A user of its own, without a password, is safer.")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") + "."
