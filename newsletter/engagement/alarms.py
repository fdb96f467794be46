"""Stop a campaign of which too much comes back after it was accepted, or that too many readers call spam."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from newsletter.delivery.models import BounceAlarm, Campaign
from newsletter.delivery.throttle import alarms
from newsletter.engagement.models import Event

logger = logging.getLogger(__name__)

CLOCKS = timedelta(days=1)  # a provider's may differ from ours by as much
FEWEST_COMPLAINTS = 5  # two angry readers stop no newsletter


def stop_if_reported(campaign: Campaign, *, now: datetime) -> bool:
    """Pause it, until a person lets it go on, if more than COMPLAINT_ALARM_PERCENT complained or, with what the server
    refused, more than BOUNCE_ALARM_PERCENT bounced, of at least BOUNCE_ALARM_MAILS. After that it counts anew.

    Four queries; asked for every such report of a campaign that is being sent.
    """
    if not Campaign.objects.sending().filter(pk=campaign.pk).exists():
        return False
    counts, before = alarms.answers(campaign), BounceAlarm.objects.filter(campaign=campaign).first()
    accepted = counts.accepted - (before.accepted if before else 0)
    refused = counts.refused - (before.refused if before else 0)
    if accepted + refused < settings.BOUNCE_ALARM_MAILS:
        return False
    all_bounced = _count(campaign, Event.Kind.BOUNCED, Event.Kind.REJECTED)
    all_complained = _count(campaign, Event.Kind.COMPLAINED)
    bounced = all_bounced - (before.bounced if before else 0)
    complained = all_complained - (before.complained if before else 0)
    if complained >= FEWEST_COMPLAINTS and complained * 100 > settings.COMPLAINT_ALARM_PERCENT * accepted:
        reason = _(
            "Stopped by itself: %(count)s of %(accepted)s readers called it spam. Look at whom it goes to and at what "
            "it says; when you know why, let it go on."
        ) % {"count": complained, "accepted": accepted}
    elif (refused + bounced) * 100 > settings.BOUNCE_ALARM_PERCENT * (accepted + refused):
        reason = _(
            "Stopped by itself: %(count)s of %(answered)s mails came back. See the servers' words below; when you "
            "know why, let it go on."
        ) % {"count": refused + bounced, "answered": accepted + refused}
    else:
        return False
    logger.warning("campaign %s paused: %s bounced, %s complained", campaign.pk, bounced, complained)
    return alarms.stop(
        campaign, reason=reason, now=now, accepted=counts.accepted, refused=counts.refused, bounced=all_bounced,
        complained=all_complained,
    )  # fmt: skip


def _count(campaign: Campaign, *kinds: Event.Kind) -> int:
    """Readers, not reports: a server may report one more than once."""
    events = Event.objects.filter(send__campaign=campaign, kind__in=kinds, at__gte=campaign.started_at - CLOCKS)
    return events.order_by().values("send").distinct().count()
