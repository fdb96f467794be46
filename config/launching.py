"""`make run`: everything that a site consists of, from nothing, on one machine and under one supervisor."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from config import broker
from config.demo.filling import fill, is_empty
from config.supervision import Part, Supervisor
from newsletter.insights.metrics import PROMPT_QUEUES, QUEUES, SWEEP_QUEUES

BROKER_PATIENCE_SECONDS = 60
PROMPT_PROCESSES = 3  # an alert keeps two busy, one that fills its ledger and one that sends: the third confirms


class CannotStart(RuntimeError):
    """The site cannot be started; the message says why and what to do."""


def launch(*, say: Callable[[str], object], now: datetime) -> int:
    """Set up what is missing, run the site until a signal ends it, and return the exit status. Raises CannotStart."""
    with _only_one_launcher(settings.DATA_DIR), _interruptible():
        _require_free_port(settings.HOST, settings.PORT)
        supervisor = Supervisor(say=say, environment=_environment())
        try:
            if settings.IS_BROKER_EMBEDDED:
                _start_broker(supervisor)
            prepare(say, now)
            for part in parts():
                supervisor.start(part)
            with supervisor.signals():
                status = supervisor.run(each_tick=_Announcement(say))
        except KeyboardInterrupt:
            status = 0
        finally:
            supervisor.kill()
    say("Stopped.")
    return status


def parts() -> list[Part]:
    """The site's own processes, for one machine."""
    granian = [sys.executable, "-m", "granian"]
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
    web = ["--interface", "wsgi", "--no-ws", "--blocking-threads", "4", "--workers-kill-timeout", "10"]
    listen = ["--host", settings.HOST, "--port", str(settings.PORT), "--log-level", "warning"]
    quiet = ["-l", "warning", "--without-gossip", "--without-mingle"]
    worker = ["worker", "-Q", ",".join(QUEUES), "-c", "2", *quiet]
    prompt = ["worker", "-n", "prompt@%h", "-Q", ",".join(PROMPT_QUEUES), "-c", str(PROMPT_PROCESSES), *quiet]
    sweeps = ["worker", "-n", "sweeps@%h", "-Q", ",".join(SWEEP_QUEUES), "-c", "1", *quiet]
    beat = ["beat", "-l", "warning", "--schedule", str(settings.DATA_DIR / "beat-schedule"), "--pidfile="]
    return [
        Part("web", [*granian, *web, *listen, "config.wsgi:application"], insisting=signal.SIGKILL),
        Part("worker", [*celery, *worker], insisting=signal.SIGQUIT),
        Part("prompt", [*celery, *prompt], insisting=signal.SIGQUIT),
        Part("sweeps", [*celery, *sweeps], insisting=signal.SIGQUIT),
        Part("beat", [*celery, *beat], insisting=signal.SIGQUIT),
    ]


def _environment() -> dict[str, str]:
    path = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "PYTHONUNBUFFERED": "1",
    }


# --- before anything starts -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _only_one_launcher(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock, which the system takes back however this process ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise CannotStart(
                f"Broadsheet runs already on {data_dir} (process {file.read().strip()}). "
                "Stop that one first, or give this one a DATA_DIR and a PORT of its own."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """While the site is being set up, every request to stop is what Ctrl-C is."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_free_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"Port {port} is in use. Stop what uses it, or choose another one: PORT={port + 1} make run"
            ) from error
        raise CannotStart(f"Cannot listen on {host}, port {port}: {error.strerror}. Check HOST and PORT.") from error


# --- the broker -------------------------------------------------------------------------------------------------------


def _start_broker(supervisor: Supervisor) -> None:
    """Start it and wait until it answers. What another make or version of it left, and it cannot read, is set aside."""
    directory = settings.DATA_DIR / "valkey"
    directory.mkdir(exist_ok=True)
    client = redis.Redis(unix_socket_path=str(settings.BROKER_SOCKET), socket_timeout=5)
    with contextlib.suppress(redis.RedisError):
        client.shutdown()  # one whose launcher was killed: the lock says that nobody else's can be there
    try:
        command = broker.command(socket=settings.BROKER_SOCKET, directory=directory)
    except broker.NoBroker as error:
        raise CannotStart(str(error)) from error
    supervisor.start(Part("broker", command, stops_last=True, is_quiet=True))
    deadline = time.monotonic() + BROKER_PATIENCE_SECONDS
    is_fresh = not any(directory.iterdir())
    while not _answers(client):
        if supervisor.gave_up or time.monotonic() > deadline:
            raise CannotStart("The broker does not start. Set REDIS_URL to use another one.")
        supervisor.tick()
        if not (is_fresh or supervisor.is_up("broker")):
            broker.set_aside(directory)
            directory.mkdir()
            is_fresh = True


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:  # not there yet, or still loading
        return False


# --- database, static files, first content ----------------------------------------------------------------------------


def prepare(say: Callable[[str], object], now: datetime) -> None:
    """Bring the database and the static files up to date, and give a new site the demo. Raises CannotStart."""
    try:
        _migrate(say)
    except OperationalError as error:
        raise CannotStart(f"Cannot use the database: {str(error).strip()} Check DATABASE_URL.") from error
    _collect_static_files()
    _fill_if_empty(say, now)
    connections.close_all()


def _migrate(say: Callable[[str], object]) -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Bringing the database up to date.")
        call_command("migrate", interactive=False, verbosity=0)


def _collect_static_files() -> None:
    """Copy and compress them, if any has changed since the last time."""
    mark = settings.DATA_DIR / "static.sha256"
    now = _static_fingerprint()
    if not (mark.exists() and mark.read_text() == now and settings.STATIC_ROOT.exists()):
        call_command("collectstatic", interactive=False, verbosity=0)
        mark.write_text(now)


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _fill_if_empty(say: Callable[[str], object], now: datetime) -> None:
    """Give a new site the demo content. One that is public by https, or was used before, does not get it unasked."""
    if settings.SITE_URL.startswith("https://") or get_user_model().objects.exists() or not is_empty():
        return
    say("Filling the new site with the demo.")
    filled = fill(now=now)
    say(f"Sign in to the admin with the name {filled.editor}, password {filled.password}  (shown only now)")


# --- saying where to look ---------------------------------------------------------------------------------------------


class _Announcement:
    """Says where the site is, once, as soon as it answers."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._is_made = False

    def __call__(self) -> None:
        if not self._is_made and _accepts_connections(settings.HOST, settings.PORT):
            self._is_made = True
            self._say("\n".join(["", *self._lines(), ""]))

    def _lines(self) -> Iterator[str]:
        yield f"{settings.SITE_NAME} is ready."
        yield f"  site     {settings.SITE_URL}/"
        yield f"  admin    {settings.SITE_URL}/admin/"
        if settings.IS_MAILBOX_OPEN:
            yield f"  mailbox  {settings.SITE_URL}/mailbox/  (all mail lands there until MAILER_URL is set)"
        if urlsplit(settings.SITE_URL).port != settings.PORT:
            yield f"  listens on {settings.HOST}, port {settings.PORT}"
        yield "Ctrl-C stops it."


def _accepts_connections(host: str, port: int) -> bool:
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not listened on here)
    try:
        with socket.create_connection((local, port), timeout=1):
            return True
    except OSError:
        return False
