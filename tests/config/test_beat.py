"""The scheduler rings for tasks that exist."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.schedules import schedule
from django.conf import settings

from config.beat import SteadyScheduler
from config.celery import app

HOUR = 3600.0


def test_every_entry_names_a_task_of_ours() -> None:
    app.autodiscover_tasks(force=True)

    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert named
    assert named <= set(app.tasks)


class Noting(SteadyScheduler):
    """Notes what it would ring."""

    def __init__(self, folder: Path) -> None:
        self.rung: list[str] = []
        super().__init__(app=app, schedule_filename=str(folder / "beat"))

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self.schedule.clear()
        for seconds in (2, 5):
            self.add(name=f"every {seconds}", task="x", schedule=schedule(timedelta(seconds=seconds)))

    def apply_entry(self, entry, producer=None) -> None:  # type: ignore[no-untyped-def]
        self.rung.append(entry.name)


def test_clock_that_is_set_back_holds_nothing_up(tmp_path: Path) -> None:
    scheduler: Any = Noting(tmp_path)
    scheduler.tick()
    for entry in scheduler.schedule.values():  # as it has them when the clock was an hour fast until now
        entry.last_run_at += timedelta(seconds=HOUR)
    scheduler._heap = [event._replace(time=event.time + HOUR) for event in scheduler._heap]
    scheduler._seen_at = time.time() + HOUR

    waits = [scheduler.tick() for _tick in range(3)]

    assert max(waits) <= 2
    deadline = time.monotonic() + 20
    while len(set(scheduler.rung)) < 2 and time.monotonic() < deadline:
        time.sleep(min(max(scheduler.tick(), 0.01), 1))
    assert set(scheduler.rung) == {"every 2", "every 5"}
