"""The sweep: find in the database what delivery has to do now. A broker that lost everything costs one sweep."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from newsletter.delivery import campaigns, claiming, dispatch, ending, packing, recovering
from newsletter.delivery.dispatch import Clock
from newsletter.delivery.models import Campaign
from newsletter.lib.failures import Failures

TURN_SECONDS = 5.0  # as often as beat rings the sweep (config/settings.py), so that one turn follows the other
SELDOM = TURN_SECONDS / 600  # once in ten minutes, looked for strays while a campaign only waits
LONGER = 1.5  # times as long as that: turns of several workers must not end together, or a speed limit is not used up


class Work(StrEnum):
    """What there is to do for a campaign: send it, go on to make its ledger, or clear up after it was stopped."""

    SEND = "send"
    FILL = "fill"
    END = "end"


class Ring(NamedTuple):
    """What somebody should do for this campaign, and in which queue that waits."""

    campaign: Campaign
    queue: str
    work: Work = Work.SEND


def rings(*, now: datetime) -> Iterator[Ring]:
    """Sweep; yields each campaign that has something to send as often as may send it at once, and those to be filled;
    then those that were stopped and have something left.

    Raises as ``sweep`` does, when all is done.
    """
    failures, filled = Failures(), set()
    with failures:
        for campaign in sweep(now=now):
            if not campaign.issue.is_alert:
                yield from [Ring(campaign, "campaigns")] * settings.SENDERS_PER_CAMPAIGN
                if campaign.filled_to is not None:
                    filled.add(campaign.pk)
                    yield Ring(campaign, "campaigns", Work.FILL)
    for campaign in Campaign.objects.being_filled().filter(issue__is_alert=False).exclude(pk__in=filled):
        yield Ring(campaign, "campaigns", Work.FILL)
    for campaign in ending.unfinished(now):
        yield Ring(campaign, "campaigns", Work.END)
    failures.raise_together()


def rings_for_alerts(*, now: datetime) -> Iterator[Ring]:
    """Launch the alerts whose moment has come; yields as ``rings`` does, for alerts alone and in a queue of their own.

    A few queries while there is none. Who launches a big issue meanwhile, or is busy with feeds, holds up nothing here.
    An alert has one sender in the queue of its own, which confirmations share; the others help if they have time.
    """
    failures = Failures()
    for _issue in campaigns.launch_ready_alerts(failures=failures, now=now):
        pass
    for campaign in Campaign.objects.sending().filter(issue__is_alert=True):
        if claiming.has_work(campaign, now=now):
            yield Ring(campaign, "urgent")
            yield from [Ring(campaign, "campaigns")] * (settings.SENDERS_PER_CAMPAIGN - 1)
        if campaign.filled_to is not None:
            yield Ring(campaign, "urgent", Work.FILL)
    failures.raise_together()


def sweep(*, now: datetime) -> Iterator[Campaign]:
    """Recover, resume, close, launch; yields the campaigns that have something to send now.

    First those that are on their way, then each as soon as it is launched: ten newsletters of seven o'clock do not wait
    for each other. What fails stops nothing else. Raises an ExceptionGroup, when all is done, if something did.
    """
    failures = Failures()
    with failures:
        recovering.recover_abandoned(now=now)
    for _campaign in campaigns.resume_due(now=now):
        pass
    with failures:
        campaigns.release_capped(now=now)
    yield from _having_work(Campaign.objects.sending(), failures=failures, now=now)
    for issue in campaigns.launch_ready(failures=failures, now=now):
        yield from _having_work(Campaign.objects.sending().filter(issue=issue), failures=failures, now=now)
    for campaign in campaigns.launch_waves(failures=failures, now=now):
        yield from _having_work(Campaign.objects.sending().filter(pk=campaign.pk), failures=failures, now=now)
    failures.raise_together()


def _having_work(found: QuerySet[Campaign], *, failures: Failures, now: datetime) -> Iterator[Campaign]:
    for campaign in found.select_related("issue"):
        if failures.attempt(partial(_has_work_or_is_finished, campaign, now=now)):
            yield campaign


def _has_work_or_is_finished(campaign: Campaign, *, now: datetime) -> bool:
    if claiming.has_work(campaign, now=now):
        return True
    if campaign.has_more_to_come() and random.random() > SELDOM:  # noqa: S311 - reading a whole ledger takes its time
        return False
    return not campaign.finish(now) and packing.pack_strays(campaign)


def drain_for_a_while(campaign: Campaign, *, clock: Clock) -> None:
    """One worker's turn; afterwards the books are closed if they balance.

    First what a worker left behind that died here: no sweep may come by on this host.
    """
    recovering.recover_left_behind(now=clock())
    seconds = TURN_SECONDS * random.uniform(1.0, LONGER)  # noqa: S311 (spreads load)
    dispatch.drain(campaign, clock=clock, seconds=seconds)
    campaign.finish(clock())
