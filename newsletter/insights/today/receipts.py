"""The receipts of the last runs: when they left, who took them, what came back, or why nothing went out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.delivery.books import Books, books_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue
from newsletter.engagement.models import Event
from newsletter.insights.today.needs import desk_of, reported
from newsletter.lib.dates import day_and_hour, span_of_hours
from newsletter.lib.numbers import grouped, grouped_up_to

MOST = 8
MOST_REPORTS = 1_000
TONES = {Issue.Status.SKIPPED: "plain", Issue.Status.CANCELLED: "plain", Issue.Status.EXPIRED: "warning"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """One run that is over. ``lines`` are short statements, the most important first."""

    issue: Issue
    when: str
    state: str
    tone: str
    lines: tuple[str, ...]
    url: str


def receipts(*, now: datetime) -> list[Receipt]:
    """The last runs, newest first: sent, skipped or cancelled. At most two queries more for each that was sent."""
    decided = Issue.objects.select_related("newsletter", "campaign").exclude(status__in=Issue.OPEN)
    over = decided.exclude(status=Issue.Status.APPROVED, launched_at=None).filter(send_at__lte=now)
    issues = list(over.exclude(campaign__status__in=[Campaign.Status.SENDING, Campaign.Status.PAUSED])[:MOST])
    books = books_of([issue.campaign for issue in issues if hasattr(issue, "campaign")])
    return [_receipt(issue, books) for issue in issues]


def _receipt(issue: Issue, books: dict[int, Books]) -> Receipt:
    campaign: Campaign | None = getattr(issue, "campaign", None)
    if campaign is None:
        tone = TONES.get(Issue.Status(issue.status), "plain")
        why = tuple(filter(None, [issue.reason]))
        return Receipt(
            issue,
            _local(issue.send_at, issue),
            issue.get_status_display(),
            tone,
            why,
            desk_of(issue),
        )
    is_finished = campaign.status == Campaign.Status.FINISHED
    state = _("sent") if is_finished else campaign.get_status_display()
    lines = tuple(map(capfirst, _of_campaign(campaign, books[campaign.pk])))
    return Receipt(issue, _span(campaign), state, "success" if is_finished else "plain", lines, desk_of(issue))


def _of_campaign(campaign: Campaign, books: Books) -> Iterator[str]:
    if not books.is_known:
        yield _("being counted")
        return
    accepted = books.of(Send.Status.SENT)
    yield ngettext("%(count)s accepted", "%(count)s accepted", accepted) % {"count": grouped(accepted)}
    if refused := books.of(Send.Status.FAILED):
        yield ngettext("%(count)s refused", "%(count)s refused", refused) % {"count": grouped(refused)}
    bounced = reported(campaign, Event.Kind.BOUNCED, Event.Kind.REJECTED, most=MOST_REPORTS)
    if bounced:
        yield ngettext("%(count)s bounced", "%(count)s bounced", bounced) % {"count": _reports(bounced)}
    complaints = reported(campaign, Event.Kind.COMPLAINED, most=MOST_REPORTS)
    if complaints:
        yield ngettext("%(count)s complaint", "%(count)s complaints", complaints) % {"count": _reports(complaints)}
    if skipped := books.of(Send.Status.SKIPPED):
        told = ngettext("%(count)s reader got none", "%(count)s readers got none", skipped)
        yield told % {"count": grouped(skipped)}
    if campaign.issue.reason:
        yield campaign.issue.reason


def _span(campaign: Campaign) -> str:
    zone = campaign.issue.newsletter.time_zone
    return span_of_hours(campaign.started_at, campaign.finished_at or campaign.started_at, zone)


def _reports(count: int) -> str:
    return grouped_up_to(count, MOST_REPORTS)


def _local(at: datetime, issue: Issue) -> str:
    return day_and_hour(at, issue.newsletter.time_zone)
