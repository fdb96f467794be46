"""The suppression list: addresses that must never be mailed, whatever a form or an import says."""

from __future__ import annotations

from datetime import datetime

from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import Suppression

Reason = Suppression.Reason
STRENGTH = {Reason.IMPORTED: 0, Reason.BY_HAND: 0, Reason.HARD_BOUNCE: 1, Reason.COMPLAINT: 2, Reason.ERASED: 3}


def suppress(*, email: str, reason: Suppression.Reason, note: str = "", now: datetime) -> Suppression:
    """Put the address on the list; once there, it stays since its first day, for the strongest reason.

    So what an editor or an import did can be taken back, but not over a complaint or a bounce that came meanwhile.
    Subscriptions keep their status: ``Subscription.objects.mailable()`` leaves suppressed addresses out. An erasure
    takes the address itself from the list and leaves the keyed hash.
    """
    is_erasure = reason == Reason.ERASED
    kept = {"email": "", "note": ""} if is_erasure else {}
    row, is_new = Suppression.objects.get_or_create(
        address_hash=address_hash(email),
        defaults={"email": email, "reason": reason, "note": note[:300], "created_at": now} | kept,
    )
    weaker = [each for each in Reason if STRENGTH[each] < STRENGTH[reason] or is_erasure]
    same = Suppression.objects.filter(pk=row.pk, reason__in=weaker)
    if not is_new and same.update(reason=reason, import_run=None, **kept):
        row.refresh_from_db()
    return row


def is_suppressed(email: str) -> bool:
    """May this address never be mailed?"""
    return Suppression.objects.filter(address_hash=address_hash(email)).exists()
