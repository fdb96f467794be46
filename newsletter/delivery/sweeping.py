"""The sweep: find in the database what delivery has to do now. A broker that lost everything costs one sweep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.dispatch import Clock
from newsletter.delivery.models import Campaign
from newsletter.lib.failures import Failures

TURN_SECONDS = 5.0  # as often as beat rings the sweep (config/settings.py), so that one turn follows the other


def sweep(*, now: datetime) -> Iterator[Campaign]:
    """Launch, resume, recover, close; yields the campaigns that have something to send now.

    What fails stops nothing else. Raises an ExceptionGroup, when all is done, if something did.
    """
    failures = Failures()
    with failures:
        dispatch.recover_abandoned(now=now)
        campaigns.close_cancelled(now=now)
    for _issue in campaigns.launch_ready(failures=failures, now=now):
        pass
    for _campaign in campaigns.resume_due(now=now):
        pass
    for _campaign in campaigns.launch_waves(failures=failures, now=now):
        pass
    for campaign in Campaign.objects.sending():
        if failures.attempt(partial(_has_work_or_is_finished, campaign, now=now)):
            yield campaign
    failures.raise_together()


def _has_work_or_is_finished(campaign: Campaign, *, now: datetime) -> bool:
    if campaign.sends.claimable(now).exists():
        return True
    campaign.finish(now)
    return False


def drain_for_a_while(campaign: Campaign, *, clock: Clock) -> None:
    """One worker's turn; afterwards the books are closed if they balance."""
    dispatch.drain(campaign, clock=clock, seconds=TURN_SECONDS)
    campaign.finish(clock())
