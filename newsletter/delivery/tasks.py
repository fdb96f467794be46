"""Doorbells of delivery. Running any of them twice, late or never does no harm: the sweep rings again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from newsletter.delivery import campaigns, ending, outlooks, reaching, retention, stopping, sweeping
from newsletter.delivery.models import Campaign
from newsletter.delivery.sweeping import Work
from newsletter.digests.models import Correction
from newsletter.lib.doorbell import ring_now

RING_SECONDS = 5  # until the next sweep: if every worker is busy till then, another ring would only pile up


@worker_shutting_down.connect
def finish_what_is_under_way(**_signal: Any) -> None:
    """The worker was asked to stop: its processes hand over nothing more."""
    stopping.ask()


@shared_task
def sweep() -> None:
    """Launch what is ready, and ring for every campaign that has something to send: as often as may send it at once."""
    _ring(sweeping.rings(now=timezone.now()))


@shared_task
def sweep_alerts() -> None:
    """The same for alerts alone, which wait for no other launch."""
    _ring(sweeping.rings_for_alerts(now=timezone.now()))


def _ring(rings: Iterable[sweeping.Ring]) -> None:
    for ring in rings:
        task = {Work.SEND: drain, Work.FILL: fill, Work.END: end}[ring.work]
        ring_now(task, queue=ring.queue, expires=RING_SECONDS, campaign_id=ring.campaign.pk)


@shared_task(expires=2 * sweeping.TURN_SECONDS)
def fill(*, campaign_id: int) -> None:
    """Make the ledger for one turn. It does not ring itself: the sweep rings once a turn."""
    for campaign in Campaign.objects.being_filled().filter(pk=campaign_id):
        campaigns.fill(campaign, clock=timezone.now, seconds=sweeping.TURN_SECONDS)


@shared_task(expires=2 * sweeping.TURN_SECONDS)
def drain(*, campaign_id: int) -> None:
    """Send for one turn. It does not ring itself: the sweep rings once a turn, or drains would pile up."""
    for campaign in Campaign.objects.sending().filter(pk=campaign_id):  # none, if the message is an old one
        sweeping.drain_for_a_while(campaign, clock=timezone.now)


@shared_task(expires=2 * sweeping.TURN_SECONDS)
def end(*, campaign_id: int) -> None:
    """Clear up for one turn after a campaign was cancelled or taken back. It does not ring itself, either."""
    for campaign in Campaign.objects.filter(pk=campaign_id):
        ending.go_on(campaign, clock=timezone.now, seconds=sweeping.TURN_SECONDS)


@shared_task
def look_ahead() -> None:
    """Work out what the coming runs will be, and whom corrections would reach, for the desk."""
    reaching.recount(now=timezone.now())
    outlooks.renew(clock=timezone.now)


@shared_task
def count_correction(*, correction_id: int) -> None:
    """For a page that cannot count so many; it rings again while nothing is counted."""
    for correction in Correction.objects.filter(pk=correction_id):
        reaching.count(correction, now=timezone.now())


@shared_task
def forget() -> None:
    retention.clean_up(timezone.now())
