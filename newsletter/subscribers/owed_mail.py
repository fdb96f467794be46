"""The last step of every mail that one person is owed: a server takes it, or the row says what it answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from newsletter.lib import mail
from newsletter.subscribers.models.owed import OwedMail


def hand_over[Row: OwedMail](row: Row, send: Callable[[Row], None], *, now: datetime) -> bool:
    """Send the mail of a row that was claimed just now, outside every transaction. True if it was accepted."""
    try:
        send(row)
    except mail.NotAccepted as refusal:
        row.refused(str(refusal), is_permanent=refusal.is_permanent, now=now)
        return False
    return row.mark_mailed(now)
