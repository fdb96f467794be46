"""What must happen to imports without anybody's click."""

from __future__ import annotations

from datetime import datetime

from newsletter.subscribers.importing import files
from newsletter.subscribers.models import ImportRun

BATCH = 20


def abandoned(now: datetime) -> list[int]:
    """Ids of imports that somebody must go on with: their worker is gone, or nobody heard the bell."""
    return list(ImportRun.objects.abandoned(now).values_list("pk", flat=True)[:BATCH])


def delete_old_files(now: datetime) -> int:
    """Uploads and refused rows past their retention: they hold addresses. Returns of how many imports.

    An upload that nobody started is cancelled.
    """
    runs = list(ImportRun.objects.past_retention(now).order_by("pk")[:BATCH])
    for run in runs:
        run.cancel(now)
        files.delete(run.folder)
        run.refusals.all().delete()
        ImportRun.objects.filter(pk=run.pk).update(files_deleted_at=now, sample=[])
    return len(runs)
