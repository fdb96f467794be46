"""What is forgotten of events: the reporter's words, and the hash by which a report without a send was kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from newsletter.engagement.models import Event

BATCH = 5_000


def clean_up(now: datetime) -> dict[str, int]:
    """Returns how many events lost their detail; at most BATCH at a time."""
    cutoff = now - timedelta(days=settings.FORGET_EVENT_DETAIL_AFTER_DAYS)
    old = Event.objects.filter(~Q(detail="") | ~Q(address_hash=""), at__lte=cutoff)
    pks = list(old.order_by().values_list("pk", flat=True)[:BATCH])
    count = Event.objects.filter(pk__in=pks).update(detail="", address_hash="")
    return {"event_details_forgotten": count} if count else {}
