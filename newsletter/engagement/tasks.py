from celery import shared_task
from django.utils import timezone

from newsletter.engagement import retention, silence


@shared_task
def forget() -> None:
    """Take the detail from old events."""
    retention.clean_up(timezone.now())


@shared_task
def watch_silence() -> None:
    """Notice who is silent, ask, pause, and bring back."""
    silence.sweep(now=timezone.now())
