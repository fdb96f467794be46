"""A copy of the live site's database, and a backup that was put back, mail nobody until a person has decided."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.test_killed import READER_COUNT, SLOW, make_audience, paused_campaign, recover, statuses
from tests.product import Product, eventually
from tests.servers.smtp import SmtpServer

# As a database that was copied from news.example, and one from which two hours are missing.
COPY = "LiveSite(host='news.example', lived_until=timezone.now()).save()"
BACKUP = "LiveSite.objects.update(lived_until=timezone.now() - timedelta(hours=2))"
WITH_NAMES = """
from datetime import timedelta
from django.utils import timezone
from newsletter.subscribers.models import LiveSite
"""


@pytest.fixture(autouse=True)
def _fresh_relay(relay: SmtpServer) -> Iterator[None]:
    relay.forget()
    yield
    relay.behave()


@pytest.mark.parametrize(("change", "says"), [(COPY, "a copy of news.example"), (BACKUP, "an older state")])
def test_nothing_goes_out_until_a_person_says_that_it_is_the_live_site(
    site: Product, relay: SmtpServer, change: str, says: str
) -> None:
    slug = f"held-{says.split()[1]}"
    site.run(WITH_NAMES + "LiveSite.objects.all().delete()")
    site.run(WITH_NAMES + COPY)
    site.manage("live_site", "--confirm")
    site.run(WITH_NAMES + change)
    readers = make_audience(site, slug)

    site.manage("send_now", slug)
    paused = eventually(lambda: paused_campaign(site, slug), seconds=SLOW, every=1)
    attention = json.loads(site.get("/healthz").data)["attention"]

    assert paused
    assert says in paused["reason"]
    assert attention["held_back_sites"] == 1
    assert relay.recipients() == []

    assert "live site now" in site.manage("live_site", "--confirm")
    recover(site, slug)

    assert Counter(relay.recipients()) == Counter(readers)
    assert statuses(site, slug) == {"sent": READER_COUNT}
