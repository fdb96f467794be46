"""*Today*, where the desk's day begins: what needs a person, what goes out next, and what became of the last runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from newsletter.digests.versions import MAY_APPROVE
from newsletter.insights.today.cards import Card, Run, cards
from newsletter.insights.today.figures import Figure, figures
from newsletter.insights.today.needs import Need, User, needs
from newsletter.insights.today.receipts import Receipt, receipts

__all__ = ["Card", "Figure", "Need", "Receipt", "Run", "figures", "shown"]


def shown(user: User, *, now: datetime) -> dict[str, Any]:
    """What the page's live parts show to this person (templates/admin/today/_today.html)."""
    return {
        "now": now,
        "needs": needs(user, now=now),
        "cards": cards(now=now),
        "receipts": receipts(now=now),
        "may_send": user.has_perm("delivery.change_campaign") and user.has_perm(MAY_APPROVE),
    }
