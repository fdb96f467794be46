"""The scheduler rings for tasks that exist."""

from __future__ import annotations

from django.conf import settings

from config.celery import app


def test_every_entry_names_a_task_of_ours() -> None:
    app.autodiscover_tasks(force=True)

    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert named
    assert named <= set(app.tasks)
