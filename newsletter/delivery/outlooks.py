"""Forecasts of the issues at the desk, worked out by the worker and kept, so that pages only read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Q

from newsletter.delivery import forecasting
from newsletter.delivery.forecasting import Forecast
from newsletter.delivery.models import IssueOutlook, Send
from newsletter.digests.models import Issue, Offer
from newsletter.lib.failures import Failures
from newsletter.subscribers.models import Newsletter

SOON, LATE = timedelta(days=2), timedelta(days=1)
SOONEST, OLDEST = timedelta(seconds=10), timedelta(minutes=5)
REST = 20  # times as long as it took: with a million readers it is not worked out at every key that is pressed
AT_ONCE = 10


@dataclass(frozen=True)
class Reached:
    """The active readers of an issue who are not on the suppression list, as they were at a moment."""

    count: int
    at: datetime


def renew(*, clock: Callable[[], datetime]) -> int:
    """Work out those that are missing or old. Returns how many; what fails stops no other and is raised at the end."""
    failures = Failures()
    due = list(_due(clock()))[:AT_ONCE]
    for issue in due:
        failures.attempt(partial(work_out, issue, clock=clock))
    failures.raise_together()
    return len(due)


def work_out(issue: Issue, *, clock: Callable[[], datetime]) -> IssueOutlook:
    """Work out this one now, and keep it."""
    began_at = clock()
    forecast = forecasting.of_issue(issue, now=began_at)
    values = {
        "version": issue.version, "forecast": _stored(forecast), "made_at": began_at,
        "took_seconds": (clock() - began_at).total_seconds(),
    }  # fmt: skip
    return IssueOutlook.objects.update_or_create(issue=issue, defaults=values)[0]


def forecast_of(issue: Issue) -> Forecast | None:
    """What was last worked out; None if nothing was yet. One query."""
    row = IssueOutlook.objects.filter(issue=issue).first()
    return _read(issue, row.forecast) if row else None


def reached(issue: Issue) -> Reached | None:
    """How many readers the issue is for as it is now; None while that is not worked out. One query."""
    row = IssueOutlook.objects.filter(issue=issue, version=issue.version).first()
    if row is None:
        return None
    forecast = _read(issue, row.forecast)
    return Reached(forecast.audience_count - forecast.without.get(Send.Reason.SUPPRESSED, 0), row.made_at)


def had_by_most(forecast: Forecast | None) -> frozenset[int]:
    """The articles that more than half of the issue's readers have had."""
    if forecast is None:
        return frozenset()
    return frozenset(pk for pk, count in forecast.had.items() if 2 * count > forecast.audience_count)


def _due(now: datetime) -> Iterator[Issue]:
    """What goes out soon; and what is written by hand, for whenever, once it is for other readers than it was."""
    is_written = ~Q(newsletter__kind=Newsletter.Kind.DIGEST) & Q(is_alert=False)
    coming = Issue.objects.waiting().filter(Q(send_at__lt=now + SOON) | is_written, send_at__gt=now - LATE)
    for issue in coming.select_related("newsletter", "schedule", "outlook").order_by("send_at", "pk"):
        row = getattr(issue, "outlook", None)
        is_later = issue.send_at >= now + SOON
        if row is None or ((not is_later or row.version != issue.version) and _is_old(row, issue, now)):
            yield issue


def _is_old(row: IssueOutlook, issue: Issue, now: datetime) -> bool:
    age, rest = now - row.made_at, timedelta(seconds=REST * row.took_seconds)
    if row.version != issue.version:
        return age > max(SOONEST, rest)
    return age > max(OLDEST, rest)


def _stored(forecast: Forecast) -> dict[str, Any]:
    return {
        "at": forecast.at.isoformat(), "editions": forecast.editions, "fewest": forecast.fewest_stories,
        "most": forecast.most_stories, "without": {str(reason): n for reason, n in forecast.without.items()},
        "later": forecast.later, "coming": forecast.coming,
        "last_at": forecast.last_at.isoformat() if forecast.last_at else "",
        "offers": [[offer.pk, count] for offer, count in forecast.offers],
        "had": {str(pk): count for pk, count in forecast.had.items()}, "audience": forecast.audience_count,
        "skipped": forecast.skipped,
    }  # fmt: skip


def _read(issue: Issue, stored: dict[str, Any]) -> Forecast:
    offers = Offer.objects.in_bulk([pk for pk, _count in stored["offers"]])
    return Forecast(
        offers=tuple((offers[pk], count) for pk, count in stored["offers"] if pk in offers),
        issue=issue, at=datetime.fromisoformat(stored["at"]), editions=tuple(stored["editions"]),
        fewest_stories=stored["fewest"], most_stories=stored["most"],
        without={Send.Reason(reason): n for reason, n in stored["without"].items()}, later=stored["later"],
        coming=stored["coming"], last_at=datetime.fromisoformat(stored["last_at"]) if stored["last_at"] else None,
        had={int(pk): count for pk, count in stored["had"].items()}, audience_count=stored["audience"],
        skipped=stored.get("skipped", ""),
    )  # fmt: skip
