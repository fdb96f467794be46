"""What must happen to imports without anybody's click."""

from __future__ import annotations

from datetime import datetime

from newsletter.subscribers.importing import forgetting
from newsletter.subscribers.models import ImportRun

BATCH = 20


def abandoned(now: datetime) -> list[int]:
    """Ids of imports that somebody must go on with: their worker is gone, or nobody heard the bell."""
    return list(ImportRun.objects.abandoned(now).values_list("pk", flat=True)[:BATCH])


def delete_old_files(now: datetime) -> int:
    """Uploads of imports that have ended, and refused rows past their retention. Returns of how many imports.

    An upload that nobody started in all that time is cancelled.
    """
    runs = list(ImportRun.objects.with_needless_file(now).order_by("pk")[:BATCH])
    for run in runs:
        run.cancel(now)
        forgetting.let_go(run, now)
    old = list(ImportRun.objects.with_old_refusals(now).order_by("pk")[:BATCH])
    for run in old:
        run.refusals.all().delete()
    return len({run.pk for run in (*runs, *old)})
