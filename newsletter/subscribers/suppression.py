"""The suppression list: addresses that must never be mailed, whatever a form or an import says."""

from __future__ import annotations

from datetime import datetime

from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import Suppression


def suppress(*, email: str, reason: Suppression.Reason, note: str = "", now: datetime) -> Suppression:
    """Put the address on the list; once there, it stays with its first reason.

    Subscriptions keep their status: ``Subscription.objects.mailable()`` leaves suppressed addresses out. An erasure
    takes the address itself from the list and leaves the keyed hash.
    """
    is_erasure = reason == Suppression.Reason.ERASED
    row, _created = Suppression.objects.get_or_create(
        address_hash=address_hash(email),
        defaults={"email": "" if is_erasure else email, "reason": reason, "note": note[:300], "created_at": now},
    )
    if is_erasure and row.email:
        row.email, row.reason, row.note = "", reason, ""
        row.save(update_fields=["email", "reason", "note"])
    return row


def is_suppressed(email: str) -> bool:
    """May this address never be mailed?"""
    return Suppression.objects.filter(address_hash=address_hash(email)).exists()
