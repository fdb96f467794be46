"""What was reported about one person's mails, for that person."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from newsletter.engagement.models import Event, Rating
from newsletter.subscribers.models import Subscriber


def events_of(subscriber: Subscriber) -> list[dict[str, Any]]:
    """Bounces, complaints, opens and clicks, the oldest first."""
    of_them = Q(send__subscriber=subscriber) | Q(address_hash=subscriber.address_hash)
    events = Event.objects.filter(of_them).select_related("send__campaign__issue__newsletter", "link").order_by("pk")
    return [
        {
            "what": event.get_kind_display(),
            "at": event.at.isoformat(timespec="seconds"),
            "reported by": event.source,
            "newsletter": event.send.campaign.issue.newsletter.name if event.send else None,
            "issue": event.send.campaign.issue.number if event.send else None,
            "link": event.link.url if event.link else None,
            "detail": event.detail,
        }
        for event in events
    ]


def ratings_of(subscriber: Subscriber) -> list[dict[str, Any]]:
    """What they said of issues, the oldest first."""
    ratings = Rating.objects.filter(subscriber=subscriber).select_related("issue__newsletter").order_by("at", "pk")
    return [
        {
            "newsletter": rating.issue.newsletter.name,
            "issue": rating.issue.number,
            "answer": rating.get_answer_display(),
            "in your own words": rating.comment,
            "at": rating.at.isoformat(timespec="seconds"),
        }
        for rating in ratings
    ]
