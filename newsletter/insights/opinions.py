"""What readers think of issues: their answers, and how many of those who got it answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from newsletter.delivery.books import books_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Appearance, Issue
from newsletter.engagement import rating
from newsletter.engagement.models import Rating
from newsletter.engagement.rating import Results
from newsletter.subscribers.models import Newsletter

MOST_ISSUES = 12  # of each newsletter


@dataclass(frozen=True, slots=True)
class Opinion:
    """Of one issue. ``sent_count`` is None where the ledger is not counted."""

    issue: Issue
    results: Results
    sent_count: int | None
    comments: Sequence[Rating] = ()


@dataclass(frozen=True, slots=True)
class Opinions:
    """Of a newsletter's last issues, the latest first."""

    newsletter: Newsletter
    of_issues: tuple[Opinion, ...]


def of_issue(issue: Issue) -> Opinion:
    """With what readers wrote. At most 5 queries."""
    (opinion,) = _opinions([issue])
    return Opinion(issue, opinion.results, opinion.sent_count, rating.comments(issue))


def recent() -> list[Opinions]:
    """Of each newsletter that asks its readers, or has asked them. A handful of queries for each newsletter."""
    asks = Q(pk__in=Appearance.objects.filter(asks_rating=True).values("newsletter"))
    is_answered = Exists(Rating.objects.filter(issue=OuterRef("pk")).order_by())
    has_asked = Exists(Issue.objects.filter(is_answered, newsletter=OuterRef("pk")).order_by())
    found = []
    for newsletter in Newsletter.objects.filter(asks | has_asked).order_by("position", "name", "pk"):
        launched = newsletter.issues.filter(launched_at__isnull=False, is_alert=False).order_by("-launched_at", "-pk")
        issues = list(launched.select_related("newsletter")[:MOST_ISSUES])
        found.append(Opinions(newsletter, tuple(_opinions(issues))))
    return found


def _opinions(issues: Sequence[Issue]) -> list[Opinion]:
    found = rating.results([issue.pk for issue in issues])
    campaigns = {each.issue_id: each for each in Campaign.objects.filter(issue__in=issues).select_related("issue")}
    books = books_of(campaigns.values()) if campaigns else {}
    counts = {
        issue: books[each.pk].of(Send.Status.SENT) if books[each.pk].is_known else None
        for issue, each in campaigns.items()
    }
    return [Opinion(issue, found.get(issue.pk, Results({})), counts.get(issue.pk)) for issue in issues]
