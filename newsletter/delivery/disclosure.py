"""What the ledger knows of one person, for that person."""

from __future__ import annotations

from typing import Any

from newsletter.delivery import archive
from newsletter.delivery.models import Send
from newsletter.subscribers.models import Subscriber


def mails_to(subscriber: Subscriber) -> list[dict[str, Any]]:
    """Every mail that was meant for them, and what became of it, the oldest first."""
    sends = Send.objects.filter(subscriber=subscriber).select_related("campaign__issue__newsletter")
    return [
        {
            "newsletter": send.campaign.issue.newsletter.name,
            "issue": send.campaign.issue.number,
            "sent out from": send.campaign.started_at.isoformat(timespec="seconds"),
            "outcome": send.get_status_display(),
            "reason": send.get_reason_display(),
            "words of the mail server": send.response,
            "settled at": send.settled_at.isoformat(timespec="seconds") if send.settled_at else None,
        }
        for send in sorted([*sends, *archive.of_reader(subscriber)], key=lambda send: send.pk)
    ]
