"""What limits hold for a campaign now: for its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from newsletter.delivery.models import Campaign
from newsletter.delivery.speeds import SpeedLimit


@dataclass(frozen=True, slots=True)
class Held:
    """A limit in force: mails a second; if it was slowed down, for what words and until when."""

    scope: str
    name: str
    per_second: float
    reason: str = ""
    whole_again_at: datetime | None = None


def status(campaign: Campaign, *, now: datetime) -> list[Held]:
    """The limits of the campaign's newsletter and of mail domains. One query."""
    mine = Q(scope=SpeedLimit.Scope.NEWSLETTER, name=campaign.issue.newsletter.slug)
    return [
        _held(limit, rate, now=now)
        for limit in SpeedLimit.objects.in_force().filter(mine | Q(scope=SpeedLimit.Scope.DOMAIN))
        if (rate := limit.effective(now))
    ]


def _held(limit: SpeedLimit, rate: float, *, now: datetime) -> Held:
    again_at = limit.whole_again_at(now)
    return Held(limit.scope, limit.name, rate, limit.reason if again_at else "", again_at)
