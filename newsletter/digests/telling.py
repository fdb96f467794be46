"""Which articles an issue brought as news: what its web version, the feed of issues and the desk say that it told.

An issue lists whatever is young enough, so that whoever has not had something still gets it. Most of that is old to
most readers, or found no room; the editions say what was carried, earlier issues what had been told before.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import BooleanField, ExpressionWrapper, Q

from newsletter.digests.assembly import candidates, limits
from newsletter.digests.models import EditionItem, Issue, IssueItem
from newsletter.digests.selection import Offering, TooFew


def note(issue: Issue) -> None:
    """Note on the items of a launched issue whether it told them, as far as its editions are made. 3 queries.

    What was told to the same readers before and is in an edition for newcomers is no news, unless nothing else is.
    """
    carried = set(
        EditionItem.objects.filter(edition__issue=issue).order_by().values_list("article", flat=True).distinct()
    )
    if carried:
        told = carried - before(issue) or carried
        issue.items.update(is_told=ExpressionWrapper(Q(article__in=told), output_field=BooleanField()))


def before(issue: Issue) -> frozenset[int]:
    """Those of the issue's articles that an earlier issue told to readers of its cadence. 1 query."""
    earlier = Issue.objects.gone_out().filter(
        newsletter=issue.newsletter_id, cadence__in={issue.cadence, ""}, is_alert=issue.is_alert, correction=None
    )
    earlier = earlier.for_readers_of(issue.run_date, issue.newsletter, issue.cadence).exclude(pk=issue.pk)
    if issue.launched_at:
        earlier = earlier.filter(launched_at__lt=issue.launched_at)
    rows = IssueItem.objects.filter(issue__in=earlier, is_told=True, article__in=issue.items.values("article"))
    return frozenset(rows.values_list("article_id", flat=True))


def shortfall(issue: Issue, *, now: datetime) -> TooFew | None:
    """What keeps an issue that is not launched from those who follow every topic and had what was told before.

    None if they get something.
    """
    offered, told = candidates(issue, now=now), before(issue)
    had = sum(1 << n for n, candidate in enumerate(offered) if candidate.article_id in told)
    offering = Offering(offered, limits(issue, offered))
    part = offering.part(offering.interesting_to(None) & ~had)
    return part if isinstance(part, TooFew) else None
