from celery import shared_task
from django.utils import timezone

from newsletter.digests.models import Issue
from newsletter.insights import health, reading, refreshing
from newsletter.subscribers import live_site


@shared_task
def heartbeat() -> None:
    """Show that the scheduler rings and a worker answers, and that this is the site that lives."""
    health.record_heartbeat(now=timezone.now())
    live_site.note_life(now=timezone.now())


@shared_task
def refresh() -> None:
    """Count what the desk's pages show without counting."""
    refreshing.refresh(now=timezone.now())


@shared_task
def count_readings() -> None:
    """The same for whoever looks next, of what went out lately."""
    reading.recount(now=timezone.now())


@shared_task
def count_reading(*, issue_id: int) -> None:
    """For the page of an issue that went to too many to count; it rings again while nothing is counted."""
    for issue in Issue.objects.select_related("newsletter").filter(pk=issue_id):
        reading.count(issue, now=timezone.now())
