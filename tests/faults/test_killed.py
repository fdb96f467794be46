"""Killed or cut off in the middle of a campaign: everybody still gets the issue, and a repeat is the same message."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from newsletter.delivery.transports.smtp.options import SmtpOptions
from newsletter.delivery.transports.smtp.window import USUAL
from tests.product import Product, eventually
from tests.servers.smtp import SmtpServer, Stage

READER_COUNT = 40
UNDER_WAY = SmtpOptions(host="", port=0).connections * USUAL * 2  # that the worker's processes may have with the server
SLOW = 60  # seconds that a recovery may take: sweeps come every 5, restarts back off

# A newsletter of its own for each test, so that nobody has received its articles before.
MAKE_AUDIENCE = """
from tests.factories import *
from django.utils import timezone
now = timezone.now()
newsletter = make_newsletter(slug="{slug}", name="{slug}")
make_article(released_at=now, title="News for {slug}")
for number in range({count}):
    make_subscription(newsletter=newsletter, email=f"{slug}-{{number}}@example.org", confirmed_at=now)
"""
# What time does by itself within minutes: pauses end, retries come due. Leases are left alone: of who died here the
# journals tell at once, and who lives must keep what it holds.
LET_TIME_PASS = """
from datetime import timedelta
from django.utils import timezone
from newsletter.delivery.models import Campaign, Send
past = timezone.now() - timedelta(seconds=1)
Send.objects.filter(status="deferred").update(next_attempt_at=past)
Campaign.objects.filter(status="paused", resume_at__isnull=False).update(resume_at=past)
"""

LOOK_AT_CAMPAIGN = """
import json
from django.db.models import Count
from newsletter.delivery.models import Campaign
campaign = Campaign.objects.filter(issue__newsletter__slug="{slug}").first()
sends = dict(campaign.sends.order_by().values_list("status").annotate(Count("pk"))) if campaign else {{}}
print(json.dumps({{"status": campaign and campaign.status, "reason": campaign and campaign.reason, "sends": sends}}))
"""


@pytest.fixture(autouse=True)
def _fresh_relay(relay: SmtpServer) -> Iterator[None]:
    relay.forget()
    yield
    relay.behave()


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.BODY, Stage.STORED], ids=lambda stage: stage.value)
def test_killed_worker_loses_nobody(site: Product, relay: SmtpServer, stage: Stage) -> None:
    slug = f"killed-at-{stage.value}"
    readers = make_audience(site, slug)
    hold = relay.hold(stage, after=17)
    site.manage("send_now", slug)
    hold.wait(SLOW)

    site.kill_part("worker")
    hold.release()
    recover(site, slug)

    assert_nobody_lost(relay, readers)
    assert statuses(site, slug) == {"sent": READER_COUNT}


def test_mail_server_that_goes_away_and_returns_costs_nobody_the_issue(site: Product, relay: SmtpServer) -> None:
    slug = "relay-away"
    readers = make_audience(site, slug)
    hold = relay.hold(Stage.MAIL, after=20)
    site.manage("send_now", slug)
    hold.wait(SLOW)

    relay.stop()
    paused = eventually(lambda: paused_campaign(site, slug), seconds=SLOW, every=1)
    relay.start()
    recover(site, slug)

    assert paused
    assert "cannot be reached" in paused["reason"]
    assert_nobody_lost(relay, readers)  # it may have gone with a mail that it had taken and not answered
    assert statuses(site, slug) == {"sent": READER_COUNT}


def test_one_refused_and_one_cut_off_do_not_stop_the_others(site: Product, relay: SmtpServer) -> None:
    slug = "two-bad"
    readers = make_audience(site, slug)
    gone, unlucky = f"{slug}-3@example.org", f"{slug}-5@example.org"
    relay.refuse(Stage.RCPT, "550 5.1.1 no such user", recipient=gone)
    relay.hang_up(Stage.BODY, recipient=unlucky, times=1)

    site.manage("send_now", slug)
    recover(site, slug)

    assert Counter(relay.recipients()) == Counter(readers - {gone})
    assert statuses(site, slug) == {"sent": READER_COUNT - 1, "failed": 1}
    suppressed = [row["email"] for row in site.rows("subscribers.Suppression")]  # others are another test's
    assert [email for email in suppressed if email.startswith(f"{slug}-")] == [gone]


def test_killed_broker_loses_nobody(site: Product, relay: SmtpServer) -> None:
    if "REDIS_URL" in site.environment:
        pytest.skip("the broker is not ours to kill")
    slug = "broker-killed"
    readers = make_audience(site, slug)
    hold = relay.hold(Stage.MAIL, after=10)
    site.manage("send_now", slug)
    hold.wait(SLOW)

    site.kill_part("broker")
    hold.release()
    recover(site, slug)

    assert Counter(relay.recipients()) == Counter(readers)
    assert statuses(site, slug) == {"sent": READER_COUNT}


def assert_nobody_lost(relay: SmtpServer, readers: set[str]) -> None:
    """Everybody has it, and only what was under way came twice: the same mail."""
    copies = Counter(relay.recipients())
    assert set(copies) == readers
    repeated = [reader for reader, count in copies.items() if count > 1]
    assert len(repeated) <= UNDER_WAY
    assert max(copies.values()) <= 2
    for reader in repeated:
        first, second = (mail.content for mail in relay.messages if mail.recipients == (reader,))
        assert first == second


# --- steps ------------------------------------------------------------------------------------------------------------
def paused_campaign(site: Product, slug: str) -> dict[str, Any] | None:
    """None while it is not paused; then what was put off is due, for a fast machine has nothing else left to try."""
    found: dict[str, Any] = campaign(site, slug)
    if found["status"] == "paused":
        return found
    site.run(LET_TIME_PASS)
    return None


def make_audience(site: Product, slug: str) -> set[str]:
    site.run(MAKE_AUDIENCE.format(slug=slug, count=READER_COUNT))
    return {f"{slug}-{number}@example.org" for number in range(READER_COUNT)}


def recover(site: Product, slug: str) -> None:
    """Until the campaign is finished, by the running product's own means; only the waiting is cut short."""
    eventually(lambda: campaign(site, slug, first=LET_TIME_PASS)["status"] == "finished", seconds=2 * SLOW, every=1)


def campaign(site: Product, slug: str, *, first: str = "") -> dict[str, Any]:
    """Status and reason of the newsletter's campaign, and its sends by status, after running ``first``."""
    found = json.loads(site.run(first + LOOK_AT_CAMPAIGN.format(slug=slug)))
    assert isinstance(found, dict)
    return found


def statuses(site: Product, slug: str) -> dict[str, int]:
    return dict(campaign(site, slug)["sends"])
