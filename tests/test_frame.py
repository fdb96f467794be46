"""The suite's own frame holds what it promises."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import FieldFetchBlocked
from django.db import connection

from newsletter.subscribers.models import Newsletter, Subscription
from tests import network, workspace
from tests.factories import make_subscription
from tests.queries import lazy_loading_forbidden
from tests.scheduling import scope


def test_connection_to_the_outside_fails_loudly() -> None:
    with socket.socket() as client, pytest.raises(network.NetworkForbidden):
        client.connect(("192.0.2.1", 80))

    assert network.take_attempts() == ["192.0.2.1"]


def test_name_of_the_outside_does_not_resolve() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("example.org", 80)


def test_data_directory_is_a_temporary_one_of_this_process() -> None:
    assert Path(settings.DATA_DIR) == workspace.root() / f"worker{workspace.worker_number()}"
    assert Path(settings.MEDIA_ROOT).is_relative_to(settings.DATA_DIR)


@pytest.mark.parametrize("turn", [1, 2])
def test_cache_is_empty_at_the_start(turn: int) -> None:
    assert cache.get("turn") is None

    cache.set("turn", turn)

    assert cache.get("turn") == turn


@pytest.mark.django_db
def test_database_is_real_and_of_this_worker() -> None:
    name = str(connection.settings_dict["NAME"])

    assert "memory" not in name
    assert workspace.worker_number() == 0 or name.endswith(f"gw{workspace.worker_number() - 1}")


@pytest.mark.django_db
def test_lazy_loading_can_be_forbidden() -> None:
    make_subscription()

    with lazy_loading_forbidden():
        joined = Subscription.objects.select_related("newsletter").get()
        bare = Subscription.objects.get()

    assert isinstance(joined.newsletter, Newsletter)
    with pytest.raises(FieldFetchBlocked):
        assert bare.newsletter


def test_tests_that_share_a_product_share_a_worker() -> None:
    pages, reader = scope("tests/journeys/test_pages.py::test_a"), scope("tests/journeys/test_reader.py::test_b[x/y]")

    assert pages == reader
    assert pages != scope("tests/test_frame.py::test_a")


def test_redis_database_of_a_worker_is_its_own() -> None:
    urls = [workspace.with_database("redis://:secret@127.0.0.1:6379/2", number) for number in range(3)]

    assert urls == [f"redis://:secret@127.0.0.1:6379/{number}" for number in (2, 3, 4)]


def test_redis_database_of_a_product_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workspace.REDIS_VARIABLE, "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")

    with workspace.spare_redis_database() as first, workspace.spare_redis_database() as second:
        tests_own = {workspace.with_database("redis://127.0.0.1:6379/0", number) for number in range(4)}
        assert len({first, second} | tests_own) == 6
