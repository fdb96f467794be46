"""Why somebody left: asked afterwards, never needed."""

from __future__ import annotations

from datetime import datetime

from newsletter.lib.headers import one_line
from newsletter.subscribers.models import Farewell, Subscription

MAX_WORDS = 500


def say_why(*, subscription: Subscription, reason: str, words: str, now: datetime) -> bool:
    """Keep the reason, or a better one in place of an earlier. False if they have not left, or gave none."""
    if subscription.status != Subscription.Status.ENDED or reason not in Farewell.Reason.values:
        return False
    values = {"reason": reason, "words": one_line(words)[:MAX_WORDS], "at": now}
    Farewell.objects.update_or_create(
        subscription=subscription, defaults=values, create_defaults={**values, "newsletter": subscription.newsletter}
    )
    return True
