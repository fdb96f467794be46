"""Doorbells of delivery. Running any of them twice, late or never does no harm: the sweep rings again."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from newsletter.delivery import outlooks, retention, sweeping
from newsletter.delivery.models import Campaign

RING_SECONDS = 5  # until the next sweep: if every worker is busy till then, another ring would only pile up


@shared_task
def sweep() -> None:
    """Launch what is ready, and ring for every campaign that has something to send."""
    for campaign in sweeping.sweep(now=timezone.now()):
        drain.apply_async(kwargs={"campaign_id": campaign.pk}, expires=RING_SECONDS)


@shared_task(expires=2 * sweeping.TURN_SECONDS)
def drain(*, campaign_id: int) -> None:
    """Send for one turn. It does not ring itself: the sweep rings once a turn, or drains would pile up."""
    for campaign in Campaign.objects.sending().filter(pk=campaign_id):  # none, if the message is an old one
        sweeping.drain_for_a_while(campaign, clock=timezone.now)


@shared_task
def look_ahead() -> None:
    """Work out what the coming runs will be, for the desk."""
    outlooks.renew(clock=timezone.now)


@shared_task
def forget() -> None:
    retention.clean_up(timezone.now())
