"""Everything that is counted before somebody looks: done by the worker, a little at a time."""

from __future__ import annotations

from datetime import datetime

from newsletter.delivery import books, offers
from newsletter.insights import growth, metrics
from newsletter.subscribers import counting


def refresh(*, now: datetime) -> list[str]:
    """Count anew what is too old. Returns the names of what was counted. Twice at once does harm to nothing."""
    done = {
        "readers": counting.recount(now=now),
        "books": books.recount(now=now) > 0,
        "offers": offers.recount_moving(now=now) > 0,
        "growth": growth.recount(now=now),
        "articles": metrics.recount(now=now),
    }
    return [name for name, was_due in done.items() if was_due]
