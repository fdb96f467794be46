"""How many mails a day a reader gets at most, of all newsletters together: alerts and announcements count, too.

A day is one of the calendar in the newsletter's zone. What is too much waits: articles come with the next issue, which
finds them unsent in the ledger; what has no articles is sent at the same hour of the next day, if that day's cap lets
it, or of one of the two days after it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Count, Q

from newsletter.delivery.models import CAPPED_TODAY, Campaign, Send
from newsletter.digests.models import Issue

LONGEST_ON_ITS_WAY = timedelta(days=3)
PAUSE = timedelta(days=1)


def fed_up(issue: Issue, *, now: datetime, after: int = 0, to: int | None = None) -> models.QuerySet[Send, Any] | None:
    """The ids of readers who have had, or are about to get, as many mails today as a day may bring. None: no cap.

    Of those whose id is above ``after`` and at most ``to``.
    """
    most = settings.MAILS_PER_READER_AND_DAY
    if not most:
        return None
    local = now.astimezone(ZoneInfo(issue.newsletter.time_zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    recent = Campaign.objects.filter(started_at__gt=midnight - LONGEST_ON_ITS_WAY)
    today = Q(status=Send.Status.SENT, settled_at__gte=midnight) | (Q(status__in=Send.OPEN) & ~CAPPED_TODAY)
    counted = Send.objects.filter(today, campaign__in=recent, subscriber__gt=after).order_by()
    if to is not None:
        counted = counted.filter(subscriber__lte=to)
    return counted.values("subscriber").annotate(count=Count("pk")).filter(count__gte=most).values("subscriber")


def waits_as_it_is(issue: Issue) -> bool:
    """Whether what is capped must be sent itself later on, because no later issue would carry it."""
    return not issue.items.exists()
