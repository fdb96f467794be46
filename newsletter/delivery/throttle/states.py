"""What limits hold for a campaign now: for its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from newsletter.delivery.models import Campaign
from newsletter.delivery.speeds import SpeedLimit


@dataclass(frozen=True, slots=True)
class Held:
    """A limit in force: mails a second, and the receiver's words if it was slowed down for them."""

    scope: str
    name: str
    per_second: float
    reason: str = ""


def status(campaign: Campaign, *, now: datetime) -> list[Held]:
    """The limits of the campaign's newsletter and of mail domains. One query."""
    mine = Q(scope=SpeedLimit.Scope.NEWSLETTER, name=campaign.issue.newsletter.slug)
    return [
        Held(limit.scope, limit.name, rate, limit.reason if rate != limit.per_second else "")
        for limit in SpeedLimit.objects.in_force().filter(mine | Q(scope=SpeedLimit.Scope.DOMAIN))
        if (rate := limit.effective(now))
    ]
