"""Doorbells of digests. The schedules stand in the database; running this twice or late does no harm."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from newsletter.digests import drafting, rhythms


@shared_task
def sweep() -> None:
    """Draft and decide what is due."""
    drafting.run_due(now=timezone.now())
    rhythms.note_due(now=timezone.now())
