"""One step of the importing benchmark, as a process: make an empty site and a list, or bring the list in.

``python -m tests.benchmarks.importing_run ROWS prepare|ours|baseline`` prints its figures as JSON; see importing.py.
"""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import csv
import io
import json
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from newsletter.subscribers.consent import record_given
from newsletter.subscribers.models import ConsentRecord, Newsletter, Subscriber, Subscription
from tests.factories import make_newsletter

FILE = settings.DATA_DIR / "list.csv"
HEADER = [
    "Email Address",
    "First Name",
    "Last Name",
    "MEMBER_RATING",
    "OPTIN_TIME",
    "OPTIN_IP",
    "CONFIRM_TIME",
    "CONFIRM_IP",
    "LATITUDE",
    "LONGITUDE",
    "GMTOFF",
    "DSTOFF",
    "TIMEZONE",
    "CC",
    "REGION",
    "LAST_CHANGED",
    "LEID",
    "EUID",
    "NOTES",
    "TAGS",
]
DOMAINS = ("example.org", "example.com", "mail.example.net", "news.example.org", "post.example.com")


def main() -> None:
    rows, kind = int(sys.argv[1]), sys.argv[2]
    sys.stdout.write(json.dumps({"prepare": prepare, "ours": ours, "baseline": baseline}[kind](rows)) + "\n")


def prepare(rows: int) -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    make_newsletter(slug="latest-news", name="Latest news")
    begin = datetime(2019, 1, 1, tzinfo=UTC)
    with FILE.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            at = f"{begin + timedelta(minutes=number):%Y-%m-%d %H:%M:%S}"
            address = f"reader.{number * 7919 % 10_000_019}@{DOMAINS[number % len(DOMAINS)]}"
            ip = f"198.51.100.{number % 250}"
            writer.writerow(
                [address, f"First{number % 997}", f"Last{number}", 2, at, ip, at, ip, "", "", "", "", "Europe/Vienna",
                 "AT", "9", at, number, f"{number:010x}", "", '"""news"""']
            )  # fmt: skip
    return {}


def ours(rows: int) -> dict[str, Any]:
    started, output = time.perf_counter(), io.StringIO()
    call_command("import_subscribers", FILE, newsletter="latest-news", json=True, stdout=output)
    seconds = time.perf_counter() - started
    report = json.loads(output.getvalue())
    if report["subscribed"] != rows or Subscription.objects.count() != rows:
        sys.exit(f"Not all rows came in: {report}")
    return {"rows": rows, "seconds": seconds, "peak_mb": peak_mb()}


def baseline(rows: int) -> dict[str, Any]:
    """What one writes first."""
    newsletter, now = Newsletter.objects.get(), datetime.now(UTC)
    started = time.perf_counter()
    with FILE.open(newline="") as file:
        reader = csv.DictReader(file)
        while batch := list(islice(reader, 1000)):
            with transaction.atomic():
                for row in batch:
                    save(row, newsletter, now)
    return {"rows": rows, "seconds": time.perf_counter() - started, "peak_mb": peak_mb()}


def save(row: dict[str, str], newsletter: Newsletter, now: datetime) -> None:
    name = f"{row['First Name']} {row['Last Name']}"
    subscriber = Subscriber.objects.with_address(row["Email Address"], name=name, time_zone=row["TIMEZONE"])
    confirmed_at = datetime.fromisoformat(row["CONFIRM_TIME"]).replace(tzinfo=UTC)
    subscription, _created = Subscription.objects.get_or_create(
        subscriber=subscriber,
        newsletter=newsletter,
        defaults={"status": "active", "confirmed_at": confirmed_at, "imported_at": now},
    )
    record_given(subscription, method=ConsentRecord.Method.IMPORT, now=now, asked_at=confirmed_at)


def peak_mb() -> float:
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


if __name__ == "__main__":
    main()
