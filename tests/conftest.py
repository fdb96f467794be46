"""What every test can rely on: own database, own broker and cache, own files, no network but loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import hypothesis
import psycopg
import pytest
import redis
from django.conf import settings as django_settings
from django.core.cache import cache
from pytest_django import Settings

from config import environment
from tests import broker, network, prepared, workspace
from tests.scheduling import FileScheduling, slowest_first
from tests.servers.http import HttpServer
from tests.servers.smtp import SmtpServer

# Processes that a test starts run the product, not the test suite's settings, which are loaded here by now.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

hypothesis.settings.register_profile("default", max_examples=50, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=250, deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if workspace.IS_CI else "default")

network.install()
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # started in the background by a shell: what we start inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart() -> None:
    """A service that was asked for and does not answer ends the run at once, with one clear sentence."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("postgresql"):
        try:
            # not the database itself, which the run makes under a name of its own
            psycopg.connect(os.environ["DATABASE_URL"], dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError as error:
            pytest.exit(f"DATABASE_URL is set, but PostgreSQL does not answer: {error}", returncode=1)
    if django_settings.REDIS_URL:
        try:
            with redis.from_url(django_settings.REDIS_URL, socket_connect_timeout=5) as client:
                client.ping()
        except redis.RedisError as error:
            pytest.exit(f"REDIS_URL is set, but Redis does not answer: {error}", returncode=1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that began the run clears up behind all workers."""
    if not hasattr(session.config, "workerinput"):
        prepared.forget()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait for browsers, mail servers and disks as well."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    return FileScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = slowest_first(items)


@pytest.fixture(scope="session", autouse=True)
def _broker() -> Iterator[None]:
    """The embedded broker, unless REDIS_URL names one."""
    if django_settings.REDIS_URL:
        yield
    else:
        with broker.running(django_settings.DATA_DIR):
            yield


@pytest.fixture(autouse=True)
def _empty_cache(_broker: None) -> None:
    cache.clear()  # empties the broker's queues as well: it is one Redis database


@pytest.fixture(autouse=True)
def _loopback_only() -> Iterator[None]:
    network.take_attempts()
    yield
    if attempts := network.take_attempts():
        pytest.fail(f"the test tried to connect to {', '.join(attempts)}")


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A mail server on loopback; see tests/servers/smtp.py for how to make it misbehave."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def smtp_mailers(smtp_server: SmtpServer, settings: Settings) -> SmtpServer:
    """Both mailers send over real SMTP to ``smtp_server``, which this fixture gives."""
    mailer = environment.mailer("MAILER_URL", smtp_server.url)
    settings.MAILERS = {"default": mailer, "campaigns": mailer}
    return smtp_server


@pytest.fixture
def mailbox_mailers(settings: Settings) -> None:
    """Both mailers put mail into the built-in mailbox, as they do where nothing is configured."""
    mailer = environment.mailer("MAILER_URL", "mailbox:")
    settings.MAILERS = {"default": mailer, "campaigns": mailer}


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """A web server on loopback; see tests/servers/http.py for what it can be told."""
    with HttpServer() as server:
        yield server
