"""kill -9 of the process that imports: somebody else goes on, nobody is lost, nobody is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from newsletter.subscribers.importing import running
from newsletter.subscribers.models import ConsentRecord, ImportRun, Subscriber, Subscription
from tests.architecture.sources import ROOT
from tests.factories import make_newsletter
from tests.product import eventually
from tests.subscribers.importing.lists import uploaded, worked

ROWS = 3_000
WORKER = """
import django
django.setup()
import sys
from django.db import connection
from django.utils import timezone
from newsletter.subscribers.importing import running
connection.settings_dict["NAME"] = sys.argv[1]
running.CHUNK = 100
running.advance(import_run_id=int(sys.argv[2]), clock=timezone.now)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("chunks", [1, 4])
def test_killed_process_loses_nobody_and_leaves_nobody_twice(chunks: int) -> None:
    rows = "".join(f"reader{number}@example.org,2024-01-01\n" for number in range(ROWS))
    run = worked(uploaded(f"email,confirmed_at\n{rows}", newsletter=make_newsletter()))
    run.start(timezone.now())
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(connection.settings_dict["NAME"]), str(run.pk)],
                               cwd=ROOT, env=environment())  # fmt: skip
    try:
        eventually(lambda: Subscriber.objects.count() >= chunks * 100 or process.poll() is not None,
                   seconds=60, every=0.002)  # fmt: skip
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    there = Subscriber.objects.count()
    assert there % 100 == 0
    assert 0 < there < ROWS

    later = timezone.now() + timedelta(minutes=2)  # its lease has run out
    while running.advance(import_run_id=run.pk, clock=lambda: later):
        pass

    finished = ImportRun.objects.get()
    assert (finished.status, finished.record_count, finished.counts) == ("finished", ROWS, {"subscribed": ROWS})
    assert {model.objects.count() for model in (Subscriber, Subscription, ConsentRecord)} == {ROWS}


def environment() -> dict[str, str]:
    """The product's own settings: those of the tests would prepare a workspace for another test process."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(settings.DATA_DIR)}
