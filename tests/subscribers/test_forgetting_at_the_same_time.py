"""Somebody signs up in the very moment in which the sweep forgets them: the wish stays, and nobody sees an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from newsletter.subscribers.models import Subscriber, Subscription
from newsletter.subscribers.signup import sign_up
from newsletter.subscribers.upkeep import clean_up
from tests.factories import NOW, make_newsletter, make_subscriber
from tests.subscribers.forms import form

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time anyhow"),
]
LONG_AGO = NOW - timedelta(days=100)
PATIENCE = 10  # seconds


class Meanwhile(threading.Thread):
    """Runs ``work`` on a connection of its own and keeps what it raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.work, self.failed = work, list[BaseException]()
        self.start()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.failed.append(error)
        finally:
            connections.close_all()


def make_forgettable(email: str) -> None:
    person = make_subscriber(email=email)
    Subscriber.objects.filter(pk=person.pk).update(created_at=LONG_AGO)


def make_expired_wish(email: str) -> None:
    row = sign_up(form=form(make_newsletter(slug="news"), email=email), now=LONG_AGO)
    assert row is not None
    Subscription.objects.update(created_at=LONG_AGO)
    Subscriber.objects.update(created_at=LONG_AGO)


def asks(email: str) -> None:
    sign_up(form=form(make_newsletter(), email=email), now=NOW)


def wait_until_somebody_waits_for_a_lock() -> None:
    end = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone():
                return
    pytest.fail("nobody waits")


@pytest.mark.parametrize("make", [make_forgettable, make_expired_wish])
def test_form_that_is_being_taken_in_is_not_swept_away(make: Callable[[str], None]) -> None:
    make("reader@example.org")
    has_asked, may_commit = threading.Event(), threading.Event()

    def take_in() -> None:
        with transaction.atomic():
            asks("reader@example.org")
            has_asked.set()
            may_commit.wait(PATIENCE)

    thread = Meanwhile(take_in)
    has_asked.wait(PATIENCE)
    clean_up(NOW)
    may_commit.set()
    thread.join(PATIENCE)

    assert thread.failed == []
    assert Subscription.objects.filter(subscriber__email="reader@example.org", created_at__gt=LONG_AGO).exists()


def test_form_that_comes_while_its_person_is_forgotten_makes_them_anew() -> None:
    make_forgettable("reader@example.org")

    with transaction.atomic():
        forgotten = clean_up(NOW)
        thread = Meanwhile(lambda: asks("reader@example.org"))
        wait_until_somebody_waits_for_a_lock()
    thread.join(PATIENCE)

    assert forgotten == {"people_forgotten": 1}
    assert thread.failed == []
    assert Subscription.objects.get().subscriber.email == "reader@example.org"


def test_wish_that_is_renewed_while_it_expires_is_there_afterwards() -> None:
    make_expired_wish("reader@example.org")
    newsletter = Subscription.objects.get().newsletter

    with transaction.atomic():
        clean_up(NOW)
        thread = Meanwhile(lambda: sign_up(form=form(newsletter, email="reader@example.org"), now=NOW))
        wait_until_somebody_waits_for_a_lock()
    thread.join(PATIENCE)

    assert thread.failed == []
    assert Subscription.objects.get().sign_ups.filter(created_at=NOW).exists()
