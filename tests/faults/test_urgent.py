"""While every worker has its hands full, a confirmation and an alert leave at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.test_killed import SLOW, make_audience
from tests.product import Product, eventually
from tests.servers.smtp import SmtpServer, Stage

SOON = 12  # seconds; a turn of a campaign is five, and both its workers are held for as long as the test lasts
ALERT = """
from tests.factories import *
from django.utils import timezone
now = timezone.now()
updates = make_newsletter(slug="urgent-news", name="Urgent news", kind="announcements")
make_subscription(newsletter=updates, email="alerted@example.org", confirmed_at=now)
article = make_article(title="Bridge closed", released_at=now)
make_issue(
    newsletter=updates, is_alert=True, articles=[article], status="approved", approved_at=now, send_at=now,
)
"""


@contextmanager
def frozen(site: Product, part: str) -> Iterator[None]:
    """A part and its children stand still: what they were about to do they do afterwards."""
    (pid,) = site.processes_of(part)
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)


@pytest.fixture(autouse=True)
def _well_behaved_again(relay: SmtpServer) -> Iterator[None]:
    relay.forget()
    yield
    relay.behave()


def test_confirmation_and_alert_wait_for_no_campaign_and_no_sweep(site: Product, relay: SmtpServer) -> None:
    holds = []
    for slug in ("busy-one", "busy-two"):  # one for each process of the worker
        readers = make_audience(site, slug)
        holds.append([relay.hold(Stage.RCPT, recipient=reader, times=None) for reader in sorted(readers)])
        site.manage("send_now", slug)
    for of_one in holds:
        eventually(lambda of_one=of_one: any(hold.reached.is_set() for hold in of_one), seconds=SLOW)  # type: ignore[misc]

    with frozen(site, "sweeps"):
        site.run(ALERT)
        began = time.monotonic()
        fields = [("email", "newcomer@example.org"), ("newsletters", "latest-news"), ("cadence", "daily")]
        assert site.post("/subscribe/", fields).status == 303
        took = {}
        for reader in ("newcomer@example.org", "alerted@example.org"):
            eventually(lambda reader=reader: reader in relay.recipients(), seconds=SOON)  # type: ignore[misc]
            took[reader] = round(time.monotonic() - began, 1)

    assert max(took.values()) < SOON
    assert not any(reader.startswith("busy-") for reader in relay.recipients()[:2])


def test_confirmation_does_not_wait_behind_an_alert_that_the_relay_takes_slowly(
    site: Product, relay: SmtpServer
) -> None:
    held = relay.hold(Stage.RCPT, recipient="held@example.org")
    site.run(ALERT.replace("alerted@", "held@").replace("urgent-news", "slow-news"))
    eventually(held.reached.is_set, seconds=SLOW)

    fields = [("email", "patient@example.org"), ("newsletters", "latest-news"), ("cadence", "daily")]
    assert site.post("/subscribe/", fields).status == 303

    eventually(lambda: "patient@example.org" in relay.recipients(), seconds=SOON)
    assert "held@example.org" not in relay.recipients()
