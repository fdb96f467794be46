"""kill -9 of the worker that brings a list in: another takes over, nobody is lost and nobody is there twice."""

from __future__ import annotations

import json
from typing import Any

from tests.product import Product, eventually

ROWS = 60_000
SLOW = 180  # seconds that a recovery may take: sweeps come every minute, restarts back off

BEGIN_AND_WAIT_FOR_ITS_MIDDLE = f"""
import io, time
from django.utils import timezone
from newsletter.subscribers import tasks
from newsletter.subscribers.importing import running, starting
from newsletter.subscribers.models import ImportRun
from tests.factories import make_newsletter
rows = "".join(f"imported{{number}}@example.org,2024-01-01\\n" for number in range({ROWS}))
upload = io.BytesIO(f"email,confirmed_at\\n{{rows}}".encode())
newsletter = make_newsletter(slug="moved", name="Moved")
run = starting.begin(upload=upload, name="list.csv", now=timezone.now(), newsletter=newsletter)
while running.advance(import_run_id=run.pk, clock=timezone.now):
    pass
run.refresh_from_db()
assert run.start(timezone.now()), run.status
tasks.go_on_with_import.delay(import_run_id=run.pk)
deadline = time.monotonic() + 60
while not ImportRun.objects.get(pk=run.pk).record_count and time.monotonic() < deadline:
    time.sleep(0.002)
"""
LET_ITS_LEASE_RUN_OUT = """
from datetime import timedelta
from django.utils import timezone
from newsletter.subscribers.models import ImportRun
ImportRun.objects.update(leased_until=timezone.now() - timedelta(minutes=1))
"""
LOOK = """
import json
from newsletter.subscribers.models import ConsentRecord, ImportRun, Subscriber, Subscription
run = ImportRun.objects.get()
there = {"people": Subscriber, "subscriptions": Subscription, "proofs": ConsentRecord}
counts = {name: model.objects.filter(import_run=run).count() for name, model in there.items()}
print(json.dumps({"status": run.status, "rows": run.record_count, "counts": run.counts, **counts}))
"""


def test_another_worker_finishes_the_import_of_one_that_was_killed(site: Product) -> None:
    site.run(BEGIN_AND_WAIT_FOR_ITS_MIDDLE)

    site.kill_part("worker")

    left = look(site)
    assert left["status"] == "running"
    assert 0 < left["rows"] < ROWS
    assert {left["people"], left["subscriptions"], left["proofs"]} == {left["rows"]}
    site.run(LET_ITS_LEASE_RUN_OUT)
    finished = eventually(
        lambda: found if (found := look(site))["status"] != "running" else None, seconds=SLOW, every=1
    )
    assert finished == {
        "status": "finished", "rows": ROWS, "counts": {"subscribed": ROWS},
        "people": ROWS, "subscriptions": ROWS, "proofs": ROWS,
    }  # fmt: skip


def look(site: Product) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.run(LOOK).splitlines()[-1])
    return found
