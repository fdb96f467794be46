"""Somebody is erased while an import is at the row that names them: they do not come back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from newsletter.subscribers.models import ConsentRecord, Subscriber, Subscription, Suppression
from newsletter.subscribers.privacy import erase
from tests.factories import NOW, make_newsletter, make_subscription
from tests.subscribers.importing.lists import uploaded, worked

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time anyhow"),
]
LOOK_UPS = ["subscriber", "suppression", "subscription", "consentwording"]
LIST = "email,confirmed_at\nada@example.org,2024-01-01\nbob@example.org,2024-01-01\n"


@pytest.mark.parametrize("table", LOOK_UPS)
def test_reader_erased_during_a_chunk_does_not_come_back(table: str) -> None:
    known = make_subscription(newsletter=make_newsletter(), email="ada@example.org").subscriber
    other = make_newsletter()
    run = worked(uploaded(LIST, newsletter=other))
    assert run.start(NOW)
    erased_before = _Before(f'FROM "subscribers_{table}"', lambda: erase(subscriber=known, now=timezone.now()))

    with connection.execute_wrapper(erased_before):
        worked(run)

    assert erased_before.has_happened
    run.refresh_from_db()
    assert run.counts == {"subscribed": 1, "kept_out": 1}
    assert list(Subscriber.objects.values_list("email", flat=True)) == ["bob@example.org"]
    assert Subscription.objects.get().newsletter == other
    assert Suppression.objects.get().reason == "erased"
    assert not ConsentRecord.objects.filter(import_run=run, address_hash=known.address_hash).exists()


class _Before:
    """Does something on another connection, once, before the first query that holds these words."""

    def __init__(self, words: str, act: Callable[[], Any]) -> None:
        self._words, self._act = words, act
        self.has_happened = False

    def __call__(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if self._words in sql and not self.has_happened:
            self.has_happened = True
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self._on_another_connection).result(timeout=60)
        return execute(sql, *arguments)

    def _on_another_connection(self) -> None:
        try:
            self._act()
        finally:
            connection.close()
