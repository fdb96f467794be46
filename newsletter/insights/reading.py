"""What readers clicked in an issue, of those who agreed to be measured and got it: of all others nobody knows.

Where it went to many, a worker counts, and the page shows what it found, or that it is still counting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Count, QuerySet

from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue, Link
from newsletter.engagement.models import Event
from newsletter.subscribers.models import StoredCount

MOST_LINKS = 40
MOST_COUNTED = 30_000  # mails: in well under a second
MAX_AGE, REST = timedelta(minutes=5), 20  # an issue that is twenty days old is counted once a day
RECENT, MOST = timedelta(days=14), 5
JUST_NOW = timedelta(seconds=30)  # a page that is opened several times rings several times


@dataclass(frozen=True, slots=True)
class Clicked:
    """A destination: the title of the story, or the address; how many readers clicked it, and of a hundred."""

    title: str
    count: int
    share: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Of readers who still agree. ``opened_count`` is None where opens are not measured.

    ``counted_at``: when a worker counted; None of what was counted just now. Not ``is_known``: it is still to count.
    """

    measured_count: int
    clicked_count: int
    opened_count: int | None
    links: tuple[Clicked, ...]
    counted_at: datetime | None = None
    is_known: bool = True

    def is_due(self, issue: Issue, *, now: datetime) -> bool:
        """Whether a worker should count: the newer the issue is, the sooner again."""
        if self.counted_at is None or issue.launched_at is None:
            return not self.is_known
        return now - self.counted_at > max(MAX_AGE, (now - issue.launched_at) / REST)


UNKNOWN = Reading(0, 0, None, (), is_known=False)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Readers who got it, who clicked anything, who opened it, and who clicked each link."""

    got: int = 0
    clicked: int = 0
    opened: int = 0
    by_link: Mapping[int, int] = field(default_factory=dict)


def of_issue(issue: Issue) -> Reading | None:
    """None if nothing of it was measured, or it has not gone out. At most 6 queries, none of which counts far."""
    newsletter = issue.newsletter
    if not issue.launched_at or not (newsletter.is_measured or issue.links.exists()):
        return None
    if _is_short(issue):
        return _reading(issue, _counted(issue))
    rows = list(StoredCount.objects.filter(name__startswith=_name(issue, "")).order_by("name"))
    return _reading(issue, _stored(issue, rows), counted_at=rows[0].counted_at) if rows else UNKNOWN


def count(issue: Issue, *, now: datetime) -> None:
    """Count for the pages to come, unless it was done a moment ago. Reads all that was reported: for a worker."""
    if StoredCount.objects.filter(name=_name(issue, "got"), counted_at__gt=now - JUST_NOW).exists():
        return
    counts = _counted(issue)
    found = {"got": counts.got, "clicked": counts.clicked, "opened": counts.opened}
    top = sorted(counts.by_link.items(), key=lambda item: -item[1])[:MOST_LINKS]
    links = {f"link:{pk}": number for pk, number in top}
    StoredCount.objects.store({_name(issue, what): number for what, number in (found | links).items()}, now=now)


def recount(*, now: datetime) -> int:
    """Count for the issues of the last weeks where it is due, the latest first: at most MOST. Returns of how many."""
    recent = Issue.objects.filter(launched_at__gt=now - RECENT).select_related("newsletter")
    readings = ((issue, of_issue(issue)) for issue in recent.order_by("-launched_at", "-pk"))
    due = list(islice((issue for issue, found in readings if found and found.is_due(issue, now=now)), MOST))
    for issue in due:
        count(issue, now=now)
    return len(due)


def _is_short(issue: Issue) -> bool:
    sends = Send.objects.filter(campaign__in=Campaign.objects.filter(issue=issue).order_by()).order_by()
    return sends[: MOST_COUNTED + 1].count() <= MOST_COUNTED


def _counted(issue: Issue) -> _Counts:
    got = Send.objects.filter(campaign__issue=issue, status=Send.Status.SENT, subscriber__allows_measuring=True).count()
    clicks = _events(issue, Event.Kind.CLICKED)
    opened = _readers(_events(issue, Event.Kind.OPENED)) if issue.newsletter.measures_opens else 0
    rows = clicks.filter(link__isnull=False).values_list("link").annotate(count=Count("send", distinct=True))
    return _Counts(got, _readers(clicks), opened, dict(rows))


def _stored(issue: Issue, rows: list[StoredCount]) -> _Counts:
    found = {row.name.removeprefix(_name(issue, "")): row.count for row in rows}
    by_link = {int(what.removeprefix("link:")): n for what, n in found.items() if what.startswith("link:")}
    return _Counts(found.get("got", 0), found.get("clicked", 0), found.get("opened", 0), by_link)


def _name(issue: Issue, what: str) -> str:
    return f"reading:{issue.pk}:{what}"


def _events(issue: Issue, kind: Event.Kind) -> QuerySet[Event]:
    theirs = Event.objects.filter(send__campaign__issue=issue, send__subscriber__allows_measuring=True, kind=kind)
    return theirs.order_by()


def _readers(events: QuerySet[Event]) -> int:
    return events.aggregate(count=Count("send", distinct=True))["count"] or 0


def _reading(issue: Issue, counts: _Counts, *, counted_at: datetime | None = None) -> Reading:
    opened = counts.opened if issue.newsletter.measures_opens else None
    return Reading(counts.got, counts.clicked, opened, tuple(_clicked(issue, counts)), counted_at)


def _clicked(issue: Issue, counts: _Counts) -> list[Clicked]:
    """What was clicked most first; then what nobody clicked, in the order of the mail."""
    links = Link.objects.filter(issue=issue).select_related("article").only("url", "article__title").order_by("pk")
    found = [
        Clicked(link.article.title if link.article else link.url, number, _percent(number, counts.got))
        for link in links
        for number in [counts.by_link.get(link.pk, 0)]
    ]
    return sorted(found, key=lambda each: -each.count)[:MOST_LINKS]


def _percent(count: int, got: int) -> int:
    return round(100 * count / got) if got else 0
