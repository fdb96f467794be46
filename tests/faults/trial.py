"""One campaign on the running product while something goes wrong, and the books afterwards.

A trial has readers and articles of its own, so that one product can go through many. What time does by itself within
minutes (leases run out, pauses end, retries come due) is brought forward; everything else is the product's own doing.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.console import Console
from tests.faults.machine import Machine
from tests.product import Product, eventually
from tests.servers.mailgun import MailgunServer
from tests.servers.smtp import SmtpServer, Stage

MAKE_AUDIENCE = """
from django.utils import timezone
from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import Subscriber, Subscription
from tests.factories import make_article, make_newsletter
now = timezone.now()
newsletter = make_newsletter(slug="{slug}", name="{slug}")
for number in range(2):
    make_article(released_at=now, slug=f"{slug}-{{number}}", title=f"Story {{number}} for {slug}")
emails = [f"{slug}-{{number}}@example.org" for number in range({count})]
people = [Subscriber(email=each, name="Reader", address_key=each, address_hash=address_hash(each)) for each in emails]
people = Subscriber.objects.bulk_create(people, batch_size=2000)
Subscription.objects.bulk_create(
    (Subscription(subscriber=each, newsletter=newsletter, status="active", confirmed_at=now) for each in people),
    batch_size=2000,
)
"""
# What time does by itself within minutes: leases run out, pauses end, retries come due.
LET_TIME_PASS = """
from datetime import timedelta
from django.utils import timezone
from newsletter.delivery.claiming import LEASE
from newsletter.delivery.models import Batch, Campaign, Send
past = timezone.now() - timedelta(seconds=1)
not_renewed = timezone.now() + LEASE - timedelta(seconds=15)  # whoever lives renews it every second
Batch.objects.exclude(lease="").filter(lease_until__lt=not_renewed).update(lease_until=past)
Send.objects.filter(status="deferred").update(next_attempt_at=past)
Campaign.objects.filter(status="paused", resume_at__isnull=False).update(resume_at=past)
"""
LOOK = """
import json
from django.db.models import Count
from newsletter.delivery import campaigns
from newsletter.delivery.models import Campaign
found = Campaign.objects.filter(issue__newsletter__slug="{slug}")
print(json.dumps([
    {{"status": each.status, "reason": each.reason, "counts": campaigns.counts(each),
      "reasons": dict(each.sends.exclude(reason="").order_by().values_list("reason").annotate(Count("pk")))}}
    for each in found
]))
"""


@dataclass(frozen=True)
class Result:
    """What a trial came to: the sink's count beside the ledger's."""

    readers: int
    received: int
    lost: int
    repeated: int
    strangers: int  # who got it and should not have
    changed: int  # repeats that were not the same message, byte for byte
    status: str
    counts: dict[str, int]
    reasons: dict[str, int]

    @property
    def figures_agree(self) -> bool:
        """The ledger's "sent" is the number of people in the sink, give or take who was in flight at a death."""
        unknown = self.reasons.get("unknown", 0)
        return abs(self.counts.get("sent", 0) - self.received) <= unknown


@dataclass
class Trial:
    """A newsletter with ``count`` readers on a running site that sends to ``relay`` or ``provider``.

    A case may add addresses to ``excused`` (they need not get it) and to ``barred`` (they must not).
    """

    site: Product
    console: Console
    machine: Machine
    relay: SmtpServer
    provider: MailgunServer
    slug: str
    count: int
    excused: set[str] = field(default_factory=set)
    barred: set[str] = field(default_factory=set)

    @property
    def readers(self) -> set[str]:
        return {self.address(number) for number in range(self.count)}

    def address(self, number: int) -> str:
        return f"{self.slug}-{number}@example.org"

    def prepare(self) -> None:
        self.console.run(MAKE_AUDIENCE.format(slug=self.slug, count=self.count))

    def launch(self) -> None:
        self.console.manage("send_now", self.slug)

    def pace(self, seconds: float) -> None:
        """Let the campaign take about so long, or it would be over before anything could happen."""
        self.relay.slow_down(Stage.MAIL, 2 * seconds / self.count)  # on each of a few connections

    def a_sender(self) -> int:
        """A process of the worker that holds a batch now: one that has its journal open."""
        journals = str(self.site.data_dir / "journals")

        def look() -> list[int]:
            return [pid for pid in self.site.children_of("worker") if _has_open(pid, journals)]

        return eventually(look, seconds=60)[0]

    def received(self) -> list[str]:
        """The recipients of this trial's mails, in order, with repeats."""
        taken = [to for call in self.provider.calls if call.is_taken for to in call.to]
        return [each for each in (*self.relay.recipients(), *taken) if each.startswith(f"{self.slug}-")]

    def after(self, share: float) -> None:
        """Until this share of the readers has it."""
        wanted = int(self.count * share)
        eventually(lambda: len(self.received()) >= wanted, seconds=120 + self.count / 50)

    def books(self, *, first: str = "") -> dict[str, Any]:
        """State of the newest campaign after running ``first``; {} while there is none."""
        found = json.loads(self.console.run(first + LOOK.format(slug=self.slug)))
        assert len(found) <= 1, f"launched {len(found)} times"
        return found[0] if found else {}

    def until(self, status: str, *, seconds: float, pass_time: bool = True) -> dict[str, Any]:
        first = LET_TIME_PASS if pass_time else ""

        def look() -> dict[str, Any]:
            books = self.books(first=first)
            return books if books.get("status") == status else {}

        return eventually(look, seconds=seconds, every=1)

    def settled(self) -> dict[str, Any]:
        """The books when every answer to what was in flight stands in them."""

        def look() -> dict[str, Any]:
            books = self.books()
            return {} if books["counts"].get("in_flight") else books

        return eventually(look, seconds=60)

    def result(self, books: dict[str, Any]) -> Result:
        copies = Counter(self.received())
        due = self.readers - self.excused - self.barred
        repeated = [reader for reader, count in copies.items() if count > 1]
        return Result(
            readers=self.count,
            received=len(copies),
            lost=len(due - set(copies)),
            repeated=sum(copies[reader] - 1 for reader in repeated),
            strangers=len(set(copies) - self.readers | set(copies) & self.barred),
            changed=self._changed(set(repeated)),
            status=books["status"],
            counts=books["counts"],
            reasons=books["reasons"],
        )

    def _changed(self, repeated: set[str]) -> int:
        contents: dict[str, set[bytes]] = {}
        for message in self.relay.messages:
            reader = message.recipients[0]
            if reader in repeated:
                contents.setdefault(reader, set()).add(message.content)
        return sum(len(different) > 1 for different in contents.values())


def _has_open(pid: int, folder: str) -> bool:
    links = (file for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink())
    return any(link.readlink().is_relative_to(folder) for link in links)
