"""Who else has the desk open, and whether anything changed since a page was made."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Max

from newsletter.delivery.models import Campaign, IssueOutlook
from newsletter.digests import senders, versions
from newsletter.digests.models import DeskPresence, Issue, LinkCheck, SenderDomain

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def sign_of_life(issue: Issue, *, by: User, now: datetime) -> None:
    DeskPresence.objects.update_or_create(issue=issue, editor=by, defaults={"seen_at": now})


def others(issue: Issue, *, than: User, now: datetime) -> list[str]:
    """The names of those who have it open. One query."""
    present = DeskPresence.objects.present(now).filter(issue=issue).exclude(editor=than).select_related("editor")
    return [versions.name_of(each.editor) for each in present]


def tag(issue: Issue) -> str:
    """Changes whenever the panes would: with the issue, its articles, its forecast, its campaign, and with what the
    worker learned of links and of the sender. 5 cheap queries.
    """
    articles = issue.items.aggregate(changed=Max("article__updated_at"), count=Count("pk"))
    outlook = IssueOutlook.objects.filter(issue=issue).values_list("made_at", flat=True).first()
    campaign = Campaign.objects.filter(issue=issue).values_list("status", flat=True).first()
    links = LinkCheck.objects.aggregate(checked=Max("checked_at"))
    sender = SenderDomain.objects.filter(domain=senders.domain_of(issue.newsletter)).values_list("checked_at").first()
    parts = [
        links,
        sender,
        issue.version,
        issue.status,
        issue.send_at,
        issue.launched_at,
        outlook,
        campaign,
        *articles.values(),
    ]
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]
