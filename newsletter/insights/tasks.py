from celery import shared_task
from django.utils import timezone

from newsletter.insights import health, refreshing


@shared_task
def heartbeat() -> None:
    """Show that the scheduler rings and a worker answers."""
    health.record_heartbeat(now=timezone.now())


@shared_task
def refresh() -> None:
    """Count what the desk's pages show without counting."""
    refreshing.refresh(now=timezone.now())
