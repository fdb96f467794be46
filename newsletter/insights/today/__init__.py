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
    """What the page's live parts show to this person (templates/admin/today/_today.html).

    Who may not look at newsletters and issues sees no cards and no receipts.
    """
    is_shown_issues = user.has_perm("subscribers.view_newsletter") and user.has_perm("digests.view_issue")
    return {
        "now": now,
        "is_shown_issues": is_shown_issues,
        "needs": needs(user, now=now),
        "cards": cards(user, now=now) if is_shown_issues else [],
        "receipts": receipts(now=now) if is_shown_issues else [],
        "may_send": user.has_perm("delivery.change_campaign") and user.has_perm(MAY_APPROVE),
    }
