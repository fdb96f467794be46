"""What readers clicked in an issue, of those who agreed to be measured and got it: of all others nobody knows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from newsletter.delivery.models import Send
from newsletter.digests.models import Issue, Link
from newsletter.engagement.models import Event

MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class Clicked:
    """A destination: the title of the story, or the address; how many readers clicked it, and of a hundred."""

    title: str
    count: int
    share: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Of readers who still agree. ``opened_count`` is None where opens are not measured."""

    measured_count: int
    clicked_count: int
    opened_count: int | None
    links: tuple[Clicked, ...]


def of_issue(issue: Issue) -> Reading | None:
    """None if nothing of it was measured, or it has not gone out. At most 5 queries."""
    newsletter = issue.newsletter
    if not issue.launched_at or not (newsletter.is_measured or issue.links.exists()):
        return None
    got = Send.objects.filter(campaign__issue=issue, status=Send.Status.SENT, subscriber__allows_measuring=True).count()
    clicks = _events(issue, Event.Kind.CLICKED)
    opened = _readers(_events(issue, Event.Kind.OPENED)) if newsletter.measures_opens else None
    return Reading(got, _readers(clicks), opened, tuple(_clicked(issue, clicks, got)))


def _events(issue: Issue, kind: Event.Kind) -> QuerySet[Event]:
    theirs = Event.objects.filter(send__campaign__issue=issue, send__subscriber__allows_measuring=True, kind=kind)
    return theirs.order_by()


def _readers(events: QuerySet[Event]) -> int:
    return events.aggregate(count=Count("send", distinct=True))["count"] or 0


def _clicked(issue: Issue, clicks: QuerySet[Event], got: int) -> list[Clicked]:
    """What was clicked most first; then what nobody clicked, in the order of the mail."""
    counts = dict(clicks.values_list("link").annotate(count=Count("send", distinct=True)))
    links = Link.objects.filter(issue=issue).select_related("article").only("url", "article__title").order_by("pk")
    found = [
        Clicked(link.article.title if link.article else link.url, counts.get(link.pk, 0), _percent(counts, link, got))
        for link in links
    ]
    return sorted(found, key=lambda each: -each.count)[:MOST_LINKS]


def _percent(counts: dict[int | None, int], link: Link, got: int) -> int:
    return round(100 * counts.get(link.pk, 0) / got) if got else 0
