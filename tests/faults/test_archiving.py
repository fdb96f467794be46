"""The archive of old sends, in real processes: killed, two at once, a campaign and late reports meanwhile."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3

from tests.architecture.sources import ROOT
from tests.console import Console
from tests.faults.conftest import WEBHOOK_SECRET
from tests.faults.test_killed import READER_COUNT, SLOW, make_audience, recover, statuses
from tests.product import Product, eventually
from tests.servers.smtp import SmtpServer

SENDS, KILLS, REPORTS = 6_000, 5, 60

MAKE_OLD = """
from datetime import timedelta
from django.utils import timezone
from newsletter.delivery.models import Campaign, Send
from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import Subscriber, Subscription
from tests.factories import make_article, make_campaign, make_edition, make_issue, make_newsletter
now = timezone.now()
ended = now - timedelta(days=500)
newsletter = make_newsletter(slug="{slug}", name="{slug}")
emails = [f"{slug}-{{number}}@example.org" for number in range({count})]
people = Subscriber.objects.bulk_create(
    [Subscriber(email=each, address_key=each, address_hash=address_hash(each)) for each in emails], batch_size=2000
)
Subscription.objects.bulk_create(
    [Subscription(subscriber=each, newsletter=newsletter, status="active", confirmed_at=ended) for each in people],
    batch_size=2000,
)
article = make_article(title="Told by {slug}", released_at=ended, first_seen_at=ended)
issue = make_issue(
    newsletter=newsletter, articles=[article], status="approved", approved_at=ended, launched_at=ended, send_at=ended
)
edition = make_edition(issue=issue, articles=[article])
campaign = make_campaign(issue=issue, status="finished", started_at=ended, finished_at=ended, forgotten_at=now)
Send.objects.bulk_create([
    Send(campaign=campaign, subscriber=each, edition=edition, status="sent", attempt_count=1, settled_at=ended)
    for each in people
], batch_size=2000)
Send.objects.filter(pk__in=campaign.sends.order_by("pk").values("pk")[:7]).update(status="failed", reason="refused")
"""
# A page at a time, with small pages, so that there is something to be killed in the middle of.
ARCHIVER = """
import sys
from django.utils import timezone
from newsletter.delivery import archiving
archiving.PAGE = {page}
print("ready", flush=True)
sys.stdin.readline()
while archiving.archive(timezone.now(), pages=1):
    print("page", flush=True)
"""
LOOK = """
import json
from newsletter.delivery import archive
from newsletter.delivery.models import Campaign, Send
campaign = Campaign.objects.get(issue__newsletter__slug="{slug}")
here = list(campaign.sends.order_by().values_list(
    "pk", "subscriber_id", "edition_id", "status", "reason", "attempt_count", "settled_at"))
there = [tuple(each) for page in archive.of_campaign(campaign) for each in page]
rows = sorted((*row[:6], row[6].isoformat()) for row in [*here, *there])
counted = sum(archive.counts([campaign.pk])[campaign.pk].values())
print(json.dumps({{"rows": rows, "here": len(here), "there": len(there), "counted": counted,
                   "is_done": campaign.archived_at is not None}}))
"""
BRING_BACK = """
from django.db import transaction
from newsletter.delivery import archiving
from newsletter.digests.models import EditionItem
with transaction.atomic():
    archiving.bring_back(
        list(EditionItem.objects.filter(edition__issue__newsletter__slug="{slug}").values_list("article", flat=True))
    )
"""
REPORTED = """
import json
from newsletter.engagement.models import Event
from newsletter.subscribers.models import Suppression, Subscriber
from newsletter.lib.addresses import address_hash
print(json.dumps({{
    "events": sorted(Event.objects.filter(source="postmark").values_list("source_id", flat=True)),
    "off": Suppression.objects.filter(address_hash__in=[address_hash(each) for each in {emails}]).count(),
}}))
"""


@pytest.fixture(scope="module")
def console(site: Product) -> Iterator[Console]:
    with Console(site) as found:
        yield found


def test_archiver_killed_again_and_again_loses_no_row_and_keeps_none_twice(site: Product, console: Console) -> None:
    slug, chance = "killed-archiver", random.Random(7)
    console.run(MAKE_OLD.format(slug=slug, count=SENDS))
    before = look(console, slug)["rows"]
    left = []

    for _kill in range(KILLS):
        with archivers(site, 1, page=100) as (process,):
            go(process)
            assert process.stdout
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
        found = look(console, slug)
        assert found["rows"] == before
        left.append(found["here"])
    with archivers(site, 1, page=1000) as (process,):
        go(process)
        assert process.wait(SLOW) == 0
    found = look(console, slug)

    assert left == sorted(left, reverse=True)
    assert left[0] < SENDS, "it was killed before it did anything"
    assert left[-1] > 7, "it was done before it was killed the last time"
    assert found == {"rows": before, "here": 7, "there": SENDS - 7, "counted": SENDS - 7, "is_done": True}


def test_two_archivers_and_one_who_needs_the_rows_back_keep_each_row_once(site: Product, console: Console) -> None:
    slug = "archived-twice"
    console.run(MAKE_OLD.format(slug=slug, count=SENDS))
    before = look(console, slug)["rows"]

    with archivers(site, 2, page=50) as processes:
        go(*processes)
        eventually(lambda: look(console, slug)["there"], seconds=SLOW)
        console.run(BRING_BACK.format(slug=slug))
        back = look(console, slug)
        ends = [process.wait(SLOW) for process in processes]
    found = look(console, slug)

    assert ends == [0, 0]
    assert (back["rows"], back["here"], back["there"]) == (before, SENDS, 0)
    assert found == back  # it stays as long again


def test_campaign_and_late_reports_go_their_way_while_old_sends_are_archived(
    site: Product, console: Console, relay: SmtpServer
) -> None:
    relay.forget()
    slug, current = "reported-late", "sent-meanwhile"
    console.run(MAKE_OLD.format(slug=slug, count=SENDS))
    readers = make_audience(site, current)
    before = look(console, slug)["rows"]
    reported = [before[number] for number in range(20, SENDS, SENDS // REPORTS)]
    emails = [f"{slug}-{number}@example.org" for number in range(20, SENDS, SENDS // REPORTS)]

    with archivers(site, 2, page=50) as processes, ThreadPoolExecutor(4) as pool:
        go(*processes)
        site.manage("send_now", current)
        answers = list(pool.map(lambda row, email: bounce(site, row[0], email), reported, emails))
        ends = [process.wait(SLOW) for process in processes]
    recover(site, current)
    found = look(console, slug)
    kept = json.loads(console.run(REPORTED.format(emails=emails)))

    assert Counter(answers) == {200: len(emails)}
    assert kept == {"events": sorted(str(row[0]) for row in reported), "off": len(emails)}
    assert ends == [0, 0]
    assert (found["rows"], found["is_done"]) == (before, True)
    assert Counter(relay.recipients()) == Counter(readers)
    assert statuses(site, current) == {"sent": READER_COUNT}


# --- steps ------------------------------------------------------------------------------------------------------------
@contextmanager
def archivers(site: Product, count: int, *, page: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that archive as soon as they are told to. None is left at the end."""
    code = ARCHIVER.format(page=page)
    processes = [
        subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT, env=site.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _number in range(count)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def go(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


def look(console: Console, slug: str) -> dict[str, Any]:
    """All rows of its campaign, from the ledger and from the archive, and how many are where."""
    found: dict[str, Any] = json.loads(console.run(LOOK.format(slug=slug)))
    return found


def bounce(site: Product, send_pk: int, email: str) -> int:
    """What the site answers to Postmark's report that there is no such mailbox."""
    payload = {
        "RecordType": "Bounce", "ID": send_pk, "Type": "HardBounce", "TypeCode": 1, "Email": email,
        "Metadata": {"send": str(send_pk)}, "MessageID": f"m{send_pk}", "BouncedAt": "2026-11-23T06:00:00Z",
        "Description": "no such user", "Details": "smtp;550 5.1.1 no such user",
    }  # fmt: skip
    headers = {"Authorization": f"Basic {b64encode(WEBHOOK_SECRET.encode()).decode()}"}
    url = f"{site.url}/webhooks/postmark/tracking/"
    return urllib3.request("POST", url, json=payload, headers=headers, timeout=60, retries=False).status
