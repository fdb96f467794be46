"""What the desk's pages offer to choose from."""

from __future__ import annotations

from newsletter.digests.models import Issue

MOST_ISSUES = 60


def recent_issues() -> list[Issue]:
    """The issues that somebody may ask about, the newest first. One query."""
    issues = Issue.objects.select_related("newsletter").order_by("-send_at", "-pk")
    return list(issues[:MOST_ISSUES])
