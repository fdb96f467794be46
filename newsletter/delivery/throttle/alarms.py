"""Stop a campaign before it burns the sender's name: when far too many of its mails are refused for good."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from newsletter.delivery.models import BounceAlarm, Campaign

logger = logging.getLogger(__name__)


def stop_if_refused(campaign: Campaign) -> bool:
    """Pause it, until a person lets it go on, if more than BOUNCE_ALARM_PERCENT of BOUNCE_ALARM_MAILS were refused.

    After that it counts anew. Two queries at most.
    """
    found = campaign.tallies.order_by().aggregate(accepted=Sum("accepted"), refused=Sum("refused"))
    accepted, refused = found["accepted"] or 0, found["refused"] or 0
    before = BounceAlarm.objects.filter(campaign=campaign).first()
    new_refused = refused - (before.refused if before else 0)
    answered = new_refused + accepted - (before.accepted if before else 0)
    if answered < settings.BOUNCE_ALARM_MAILS or new_refused * 100 <= settings.BOUNCE_ALARM_PERCENT * answered:
        return False
    reason = _(
        "Stopped by itself: %(refused)s of %(answered)s mails were refused for good. See the servers' words below; "
        "when you know why, let it go on."
    ) % {"refused": new_refused, "answered": answered}
    if campaign.pause(reason=reason):
        BounceAlarm.objects.update_or_create(campaign=campaign, defaults={"accepted": accepted, "refused": refused})
        logger.warning("campaign %s paused: %s of %s refused", campaign.pk, new_refused, answered)
    return True
