from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from django.conf import settings
from django.db import transaction

from newsletter.lib import doorbell


@pytest.fixture(autouse=True)
def _rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)


def app_with(broker_url: str) -> Celery:
    app = Celery("doorbell", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.update(broker_url=broker_url)
    return app


def task_of(app: Celery) -> doorbell.Task:
    @app.task
    def look(*, pk: int) -> None: ...

    return look


@pytest.fixture
def real_app() -> Iterator[Celery]:
    app = app_with(settings.CELERY_BROKER_URL)
    yield app
    app.close()


def waiting(app: Celery) -> int:
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        return int(channel.client.llen("interactive"))


@pytest.mark.django_db(transaction=True)
def test_rings_once_the_transaction_is_committed(real_app: Celery) -> None:
    with transaction.atomic():
        doorbell.ring(task_of(real_app), pk=7)
        before = waiting(real_app)

    assert (before, waiting(real_app)) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_rings_for_nothing_that_was_rolled_back(real_app: Celery) -> None:
    with transaction.atomic():
        doorbell.ring(task_of(real_app), pk=7)
        transaction.set_rollback(True)

    assert waiting(real_app) == 0


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_down_costs_a_moment_and_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free_port = server.getsockname()[1]
    task = task_of(app_with(f"redis://127.0.0.1:{free_port}/0"))
    caplog.set_level(logging.WARNING)
    began = time.monotonic()

    doorbell.ring(task, pk=1)
    doorbell.ring(task, pk=2)

    assert time.monotonic() - began < 1
    assert [record.name for record in caplog.records] == ["newsletter.lib.doorbell"]


@pytest.mark.django_db(transaction=True)
def test_broker_that_accepts_and_says_nothing_is_given_up_in_time(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = app_with(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "socket_timeout": 0.2}
        app.conf.update(broker_transport_options=options)
        began = time.monotonic()

        doorbell.ring(task_of(app), pk=1)

        assert time.monotonic() - began < 3
        assert "look waits for the sweep" in caplog.text
