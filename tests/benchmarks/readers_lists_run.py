"""One run of ``readers_lists``, on the database that it made."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import django

django.setup()

from django.conf import settings  # noqa: E402 - needs the settings
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from newsletter.delivery.models import Campaign, Send  # noqa: E402
from newsletter.insights import refreshing  # noqa: E402
from newsletter.subscribers.models import Newsletter  # noqa: E402
from tests.benchmarks import readers_lists_chores as chores  # noqa: E402
from tests.benchmarks import readers_lists_seed as seed  # noqa: E402
from tests.benchmarks.readers_lists_plans import faults, scans  # noqa: E402

READERS = 1_000_000
ROW = "{:<58}{:>8}{:>9}  {}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=READERS)
    readers = parser.parse_args().readers
    settings.ALLOWED_HOSTS = ["*"]
    dummy = "django.core.cache.backends.dummy.DummyCache"
    settings.CACHES = {"default": {**settings.CACHES["default"], "BACKEND": dummy}}
    call_command("migrate", verbosity=0)
    began = time.monotonic()
    seed.fill(readers)
    sys.stdout.write(f"{readers:,} readers and {Send.objects.count():,} sends in {time.monotonic() - began:.0f} s\n")
    began = time.monotonic()
    refreshing.refresh(now=timezone.now())
    sys.stdout.write(f"the worker counts everything in {time.monotonic() - began:.1f} s\n\n")
    client = Client()
    client.force_login(User.objects.create_superuser("bench", password="bench"))
    sys.stdout.write(ROW.format("page", "ms", "queries", "nodes over big tables; what is wrong"))
    wrong = [address for address in pages() if not measure(client, address)]
    sys.stdout.write(f"\n{len(wrong)} pages read too much\n\n")
    late = [name for name, chore in chores.chores().items() if not chores.measure(name, *chore)]
    sys.stdout.write(f"\n{len(late)} chores take too long or read too much\n")
    sys.exit(1 if wrong or late else 0)


def pages() -> Iterator[str]:
    """Every list of readers with every filter and searches for one, for many and for nobody."""
    people, subscriptions, sends = (_list(name) for name in ("subscriber", "subscription", "delivery_send"))
    newsletters = list(Newsletter.objects.order_by("pk"))
    yield reverse("admin:index")
    yield reverse("desk:growth")
    yield reverse("insights:metrics")
    middle = seed.OLD_FRIEND
    yield reverse("admin:subscribers_subscriber_change", args=[middle])
    yield reverse("desk:timeline", args=[middle])
    yield reverse("desk:issues", args=[middle])
    yield from (people, f"{people}?p=200", *(f"{people}?q={word}" for word in ("r", "reader77", "reader777777", "zzz")))
    for newsletter in newsletters:
        chosen = f"subscriptions__newsletter__id__exact={newsletter.pk}"
        yield f"{people}?{chosen}"
        yield from (f"{people}?{chosen}&subscriptions__status__exact={status}" for status in seed.STATUSES)
        yield f"{subscriptions}?newsletter__id__exact={newsletter.pk}"
    for status in seed.STATUSES:
        yield f"{people}?subscriptions__status__exact={status}"
        yield f"{subscriptions}?status__exact={status}"
    yield from (
        f"{people}?labels__id__exact=1",
        f"{people}?labels__id__exact=2",
        f"{people}?created_at_from=2026-11-01&created_at_to=2026-11-03",
    )
    yield from (subscriptions, f"{subscriptions}?q=reader777", f"{subscriptions}?q=zzz")
    yield from _records()
    yield from (sends, f"{sends}?q=reader777", f"{sends}?subscriber__id__exact={middle}")
    yield from (f"{sends}?status__exact={status}" for status in ("sent", "failed", "skipped", "queued"))
    yield from (f"{sends}?reason__exact={reason}" for reason in ("nothing_new", "bad_address", "rendering"))
    campaign = Campaign.objects.order_by("pk")[0].pk
    yield from (
        f"{sends}?campaign__id__exact={campaign}",
        f"{sends}?campaign__id__exact={campaign}&status__exact=failed",
    )
    yield from (
        reverse("admin:delivery_campaign_changelist"),
        reverse("admin:delivery_campaign_change", args=[campaign]),
    )
    yield reverse("admin:subscribers_newsletter_changelist")


def _records() -> Iterator[str]:
    for name in ("signup", "consentrecord", "suppression"):
        yield from (_list(name), f"{_list(name)}?q=reader777", f"{_list(name)}?q=reader777777@example.org")
    yield from (f"{_list('consentrecord')}?{query}" for query in (
        "action__exact=withdrawn", "action__exact=given", "method__exact=editor", "method__exact=confirmed",
        "at_from=2026-11-01&at_to=2026-11-03", f"newsletter__id__exact={Newsletter.objects.order_by("pk")[3].pk}",
    ))  # fmt: skip
    yield from (f"{_list('suppression')}?reason__exact={reason}" for reason in ("complaint", "erased"))
    yield from (f"{_list('signup')}?{query}" for query in ("status__exact=skipped", "skipped_reason__exact=too_soon"))


def _list(name: str) -> str:
    return reverse(f"admin:{name if '_' in name else f'subscribers_{name}'}_changelist")


def measure(client: Client, address: str) -> bool:
    """Ask the page three times, print the slowest, and judge its queries."""
    times = []
    with CaptureQueriesContext(connection) as queries:
        status = client.get(address).status_code
    asked = [query["sql"] for query in queries.captured_queries]  # now: the next request empties the log
    for _attempt in range(3):
        began = time.monotonic()
        client.get(address)
        times.append(time.monotonic() - began)
    nodes: set[str] = set()
    wrong: list[str] = [] if status == 200 else [f"status {status}"]
    for node in (node for sql in asked if sql.startswith("SELECT") for node in scans(sql)):
        nodes |= {f"{node['Node Type']} {node.get('Index Name') or node['Relation Name']}"}
        wrong += faults(node)
    told = ", ".join(sorted(nodes)) + (f"  WRONG: {'; '.join(sorted(set(wrong)))}" if wrong else "")
    sys.stdout.write(ROW.format(address.removeprefix("/admin/"), f"{max(times) * 1000:.0f}", len(asked), told))
    return not wrong


if __name__ == "__main__":
    main()
