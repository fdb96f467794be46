"""Stop a campaign before it burns the sender's name: when far too many of its mails are refused for good.

What comes back after it was accepted, and complaints, engagement/alarms.py watches.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Sum, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.delivery.models import BounceAlarm, Campaign, Send
from newsletter.delivery.throttle import rations
from newsletter.digests import notices
from newsletter.subscribers.models import Suppression

logger = logging.getLogger(__name__)


def stop_if_refused(campaign: Campaign, *, now: datetime) -> bool:
    """Pause it, until a person lets it go on, if more than BOUNCE_ALARM_PERCENT of BOUNCE_ALARM_MAILS were refused.

    After that it counts anew. Two queries at most.
    """
    counts, before = answers(campaign), counts_before(campaign)
    refused, answered = counts.refused - before.refused, counts.answered - before.answered
    if answered < settings.BOUNCE_ALARM_MAILS or refused * 100 <= settings.BOUNCE_ALARM_PERCENT * answered:
        return False
    reason = _(
        "Stopped by itself: %(refused)s of %(answered)s mails were refused for good. See the servers' words below; "
        "when you know why, let it go on."
    ) % {"refused": refused, "answered": answered}
    if stop(campaign, reason=reason, now=now, accepted=counts.accepted, refused=counts.refused):
        logger.warning("campaign %s paused: %s of %s refused", campaign.pk, refused, answered)
        spare(campaign)
    return True


class Answers(NamedTuple):
    """What the servers said so far, by the reader."""

    accepted: int
    refused: int

    @property
    def answered(self) -> int:
        return self.accepted + self.refused


def answers(campaign: Campaign) -> Answers:
    found = campaign.tallies.order_by().aggregate(accepted=Sum("accepted"), refused=Sum("refused"))
    return Answers(found["accepted"] or 0, found["refused"] or 0)


def counts_before(campaign: Campaign) -> Answers:
    """What they had said when it was stopped the last time."""
    before = BounceAlarm.objects.filter(campaign=campaign).first()
    return Answers(before.accepted, before.refused) if before else Answers(0, 0)


def stop(campaign: Campaign, *, reason: str, now: datetime, **counts: int) -> bool:
    """Pause it until a person lets it go on, and note the counts that the next alarm begins with. No warm-up plan rises
    for this day."""
    if not stop_for_a_person(campaign, reason=reason, now=now):
        return False
    BounceAlarm.objects.update_or_create(
        campaign=campaign, defaults=counts, create_defaults={"accepted": 0, "refused": 0, **counts}
    )
    rations.note_trouble(reason, now=now)
    return True


def stop_for_a_person(campaign: Campaign, *, reason: str, now: datetime) -> bool:
    """Pause it until a person lets it go on, and have those mailed who may. Of several callers one gets True."""
    if not campaign.pause(reason=reason):
        return False
    minute = max(int((now - campaign.started_at) / timedelta(minutes=1)), 0)
    notices.note_paused(campaign.issue, occasion=minute, now=now)
    return True


def spare(campaign: Campaign) -> int:
    """Take those off the suppression list whom this campaign put there: a storm tells of the server, not of readers.

    Whose mailbox really is no more bounces again with the next issue. Returns how many.
    """
    bad = campaign.sends.filter(status=Send.Status.FAILED, reason=Send.Reason.BAD_ADDRESS, subscriber__isnull=False)
    theirs = Suppression.objects.filter(
        reason=Suppression.Reason.HARD_BOUNCE, created_at__gte=campaign.started_at,
        address_hash__in=bad.order_by().values("subscriber__address_hash"),
    )  # fmt: skip
    spared, _by_model = theirs.delete()
    if spared:
        logger.warning("campaign %s: %s addresses taken off the suppression list again", campaign.pk, spared)
        told = ngettext(
            "%(count)s address that was called bad is off the suppression list again.",
            "%(count)s addresses that were called bad are off the suppression list again.", spared,
        ) % {"count": spared}  # fmt: skip
        Campaign.objects.filter(pk=campaign.pk, status=Campaign.Status.PAUSED).update(
            reason=Concat("reason", Value(f" {told}"))
        )
    return spared
