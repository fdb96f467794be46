"""A place of its own for every test process: directory, database, Redis database. Nothing leaks in from the shell.

Loaded before Django's settings, so it may import nothing that reads them.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IS_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
ROOT_VARIABLE, REDIS_VARIABLE = "TEST_ROOT", "TEST_REDIS_URL"
# A developer's shell may say other things than the defaults that the tests are about.
PRODUCT_VARIABLES = (
    "ADDRESS_HASH_KEY", "ALLOWED_HOSTS", "ARTICLE_GRACE_MINUTES", "ATTACK_FACTOR", "ATTACK_MIN_SIGN_UPS",
    "ATTACK_QUIET_MINUTES", "BEHIND_PROXY", "CAMPAIGN_MAILER_URL", "CONFIRMATION_DAYS",
    "NEWSLETTER_TRANSPORTS", "TRANSPORTS",
    "CONFIRMATION_MAILS_PER_HOUR", "CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK", "DEBUG", "DEFAULT_FROM_EMAIL",
    "ARCHIVE_SENDS_AFTER_DAYS",
    "DISPOSABLE_ADDRESSES", "DKIM_SELECTOR", "DNS_LOOKUP_SECONDS", "DNS_SERVERS", "FEED_ALLOWED_NETWORKS",
    "FEED_CONNECTIONS", "FEED_MAX_MEGABYTES", "FEED_TIMEOUT_SECONDS",
    "FORGET_DELIVERY_DETAIL_AFTER_DAYS", "FORGET_EVENT_DETAIL_AFTER_DAYS", "FORGET_IP_AFTER_DAYS", "HOST",
    "IMPORT_CONFIRMATIONS_PER_HOUR", "IMPORT_FILE_DAYS", "IMPORT_MAX_MEGABYTES", "LANGUAGE_CODE", "LOG_LEVEL",
    "MAILER_URL", "MAILS_PER_READER_AND_DAY", "METRICS_TOKEN", "OPERATOR_EMAIL", "PAGE_CACHE_SECONDS",
    "MAIL_TEMPLATES_DIR", "PORT", "PRIVACY_URL", "PROOF_OF_WORK", "PROOF_OF_WORK_EFFORT", "SECRET_KEY",
    "SECRET_KEY_FALLBACKS", "SENDERS_PER_CAMPAIGN", "SEND_DEADLINE_HOURS", "SHORTEN_IP_AFTER_DAYS",
    "BOUNCE_ALARM_MAILS", "BOUNCE_ALARM_PERCENT", "COMPLAINT_ALARM_PERCENT",
    "SIGN_UP_HONEYPOT", "SIGN_UP_MIN_SECONDS", "SIGN_UPS_PER_DOMAIN_AND_HOUR",
    "SIGN_UPS_PER_HOUR", "SIGN_UPS_PER_NETWORK_AND_HOUR", "SITE_NAME", "SITE_URL", "SSL_REDIRECT", "TIME_ZONE",
    "TRUSTED_PROXIES", "UNPROVEN_MAILS_PER_HOUR", "UNSUBSCRIBE_MAILBOX", "WEBHOOK_SECRET",
)  # fmt: skip
REDIS_DATABASE_COUNT = 16  # what a Redis has as it comes


def worker_number() -> int:
    """0 for a run without workers, n + 1 for pytest-xdist's worker ``gw<n>``."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(worker.removeprefix("gw")) + 1 if worker else 0


def worker_count() -> int:
    """How many test processes there are beside the first."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))


def prepare() -> None:
    """Set the environment for the settings. Twice in a process is harmless."""
    for name in PRODUCT_VARIABLES:
        os.environ.pop(name, None)
    data_dir = root() / f"worker{worker_number()}"
    data_dir.mkdir(exist_ok=True)
    os.environ["DATA_DIR"] = str(data_dir)
    if "REDIS_URL" in os.environ:
        first = os.environ.setdefault(REDIS_VARIABLE, os.environ["REDIS_URL"])
        os.environ["REDIS_URL"] = with_database(first, worker_number())


def root() -> Path:
    """The directory of this run, made by its first process and removed at that process's end."""
    if ROOT_VARIABLE not in os.environ:
        path = tempfile.mkdtemp(prefix="tests-")
        os.environ[ROOT_VARIABLE] = path
        atexit.register(_remove, path, os.getpid())
    return Path(os.environ[ROOT_VARIABLE])


def with_database(redis_url: str, number: int) -> str:
    """The same server, another of its numbered databases: each worker may clear its own."""
    server = redis_url.rstrip("/")
    scheme, _separator, rest = server.partition("://")
    host, _slash, first = rest.partition("/")
    if int(first or 0) + number >= REDIS_DATABASE_COUNT:
        raise RuntimeError(f"Redis has {REDIS_DATABASE_COUNT} databases: run fewer test workers.")
    return f"{scheme}://{host}/{int(first or 0) + number}"


@contextmanager
def spare_redis_database() -> Iterator[str]:
    """The address of a database beyond those of the test processes, for one user at a time. Raises RuntimeError."""
    first = os.environ[REDIS_VARIABLE]
    for number in range(worker_count() + 1, REDIS_DATABASE_COUNT):
        with (root() / f"redis{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield with_database(first, number)
            return
    raise RuntimeError("Every database of the Redis is in use: run fewer test workers.")


def _remove(path: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked child ends through the same door
        shutil.rmtree(path, ignore_errors=True)
