from celery import shared_task
from django.utils import timezone

from newsletter.engagement import retention


@shared_task
def forget() -> None:
    """Take the detail from old events."""
    retention.clean_up(timezone.now())
