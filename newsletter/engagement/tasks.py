from celery import shared_task
from django.utils import timezone

from newsletter.engagement import popularity, retention, silence


@shared_task
def forget() -> None:
    """Take the detail from old events."""
    retention.clean_up(timezone.now())


@shared_task
def weigh_articles() -> None:
    """Find out which articles are read."""
    popularity.refresh(now=timezone.now())


@shared_task
def watch_silence() -> None:
    """Notice who is silent, ask, pause, and bring back."""
    silence.sweep(now=timezone.now())
