"""The issues that somebody may ask about, and what the ledger says of each for one reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from newsletter.delivery import archive
from newsletter.delivery.models import Send
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Subscriber

MOST_ISSUES, PAGE_SIZE = 30, 50


@dataclass(frozen=True, slots=True)
class Row:
    """An issue, and its send to the reader; None if the ledger has none."""

    issue: Issue
    send: Send | None


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. ``older`` is where the next page begins; "" at the end."""

    rows: tuple[Row, ...]
    older: str = ""


def recent_issues(subscriber: Subscriber) -> list[Issue]:
    """The newest of the newsletters that the reader has or had; of all where they have none. Two queries."""
    newsletters = list(subscriber.subscriptions.order_by().values_list("newsletter", flat=True))
    return list(_issues(newsletters)[:MOST_ISSUES])


def page(*, subscriber: Subscriber, newsletter: int | None = None, before: str = "") -> Page:
    """Issues from the position on, of one newsletter or of all. Two queries."""
    issues = _issues([] if newsletter is None else [newsletter])
    if position := _parse(before):
        at, pk = position
        issues = issues.filter(Q(send_at__lt=at) | Q(send_at=at, pk__lt=pk))
    found = list(issues[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    sends = Send.objects.filter(subscriber=subscriber, campaign__issue__in=[issue.pk for issue in shown])
    archived = archive.of_reader(subscriber, issues=[issue.pk for issue in shown])
    by_issue = {send.campaign.issue_id: send for send in [*archived, *sends.select_related("campaign")]}
    older = _position(shown[-1]) if len(found) > PAGE_SIZE else ""
    return Page(tuple(Row(issue, by_issue.get(issue.pk)) for issue in shown), older)


def _issues(newsletters: Sequence[int]) -> QuerySet[Issue]:
    issues = Issue.objects.select_related("newsletter").order_by("-send_at", "-pk")
    return issues.filter(newsletter__in=newsletters) if newsletters else issues


def _position(issue: Issue) -> str:
    return f"{issue.send_at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}~{issue.pk}"


def _parse(text: str) -> tuple[datetime, int] | None:
    try:
        at, pk = text.split("~")
        return datetime.fromisoformat(at).astimezone(UTC), int(pk)
    except (ValueError, OverflowError):
        return None
