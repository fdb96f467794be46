"""A card for each newsletter: what is on its way, what is being made, and when the next is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.delivery.books import Books, books_of
from newsletter.delivery.models import Campaign, IssueOutlook, Send
from newsletter.digests import drafting
from newsletter.digests.models import Issue, IssueItem, Schedule
from newsletter.insights.today.needs import User, campaign_page, desk_of
from newsletter.lib.dates import day_and_hour
from newsletter.lib.numbers import grouped
from newsletter.subscribers import counting
from newsletter.subscribers.models import Cadence, Newsletter

MOST_NEWSLETTERS, MOST_RUNS = 24, 40
MOST_OVERDUE = 3  # of a newsletter: what is held or was forgotten must not push its next run off the page
NEVER = datetime.max.replace(tzinfo=UTC)
TONES = {Issue.Status.APPROVED: "success", Issue.Status.HELD: "danger", Issue.Status.IN_REVIEW: "warning"}


@dataclass(frozen=True, slots=True)
class Run:
    """A mailing that is coming or under way. ``at`` is None where it has no hour; ``percent`` is that of a campaign."""

    title: str
    at: datetime | None
    shown: str
    state: str
    tone: str = "plain"
    detail: str = ""
    url: str = ""
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A newsletter with its runs in order; ``readers`` in words."""

    newsletter: Newsletter
    readers: str
    runs: tuple[Run, ...]
    is_digest: bool


def cards(user: User, *, now: datetime) -> list[Card]:
    """Those whose turn is next come first. A fixed number of queries, however many newsletters there are."""
    newsletters = list(Newsletter.objects.order_by("position", "pk")[:MOST_NEWSLETTERS])
    readers = counting.readers_in_words(newsletters)
    runs: dict[int, list[Run]] = defaultdict(list)
    issues = _waiting(now)
    for key, run in [*_under_way(user), *_being_made(issues), *_planned(issues)]:
        runs[key].append(run)
    made = [
        Card(each, readers[each.pk], tuple(sorted(runs[each.pk], key=_moment)), each.kind == Newsletter.Kind.DIGEST)
        for each in newsletters
    ]
    return sorted(made, key=lambda card: _moment(card.runs[0]) if card.runs else NEVER)


def _moment(run: Run) -> datetime:
    return run.at or NEVER


def _under_way(user: User) -> Iterator[tuple[int, Run]]:
    moving = Campaign.objects.filter(status__in=[Campaign.Status.SENDING, Campaign.Status.PAUSED])
    campaigns = list(moving.select_related("issue__newsletter").order_by("-pk")[:MOST_RUNS])
    books = books_of(campaigns)
    may_look = user.has_perm("delivery.view_campaign")
    for campaign in campaigns:
        issue, sums = campaign.issue, books[campaign.pk]
        paused = campaign.status == Campaign.Status.PAUSED
        percent = _percent(campaign, sums)
        state = _("paused") if paused else _("sending")
        detail = campaign.reason if paused else _on_the_way(campaign, sums)
        tone = "warning" if paused else "info"
        shown = day_and_hour(campaign.dated_at, issue.newsletter.time_zone)
        url = campaign_page(campaign) if may_look else desk_of(issue)
        yield issue.newsletter_id, Run(str(issue), campaign.dated_at, shown, state, tone, detail, url, percent)


def _percent(campaign: Campaign, books: Books) -> int:
    expected = campaign.expected(books.planned)
    return 100 * (books.planned - books.waiting) // expected if expected else 0


def _on_the_way(campaign: Campaign, books: Books) -> str:
    if campaign.filled_to is not None:
        values = {"done": grouped(campaign.filled_count), "all": grouped(campaign.audience_count)}
        return _("mails are still being created: %(done)s of %(all)s") % values
    if not books.waiting and campaign.coming_count:
        told = ngettext(
            "%(count)s reader waits for their own hour", "%(count)s readers wait for their own hour",
            campaign.coming_count,
        )  # fmt: skip
        return told % {"count": grouped(campaign.coming_count)}
    values = {"done": grouped(books.of(Send.Status.SENT)), "all": grouped(books.planned)}
    return _("%(done)s of %(all)s accepted") % values


def _waiting(now: datetime) -> list[Issue]:
    """What is to come, the next first, and of what is overdue the latest of each newsletter."""
    stories = Count("items", filter=~Q(items__state__in=IssueItem.OUT))
    waiting = Issue.objects.waiting().select_related("newsletter", "schedule", "outlook", "approved_by")
    waiting = waiting.annotate(story_count=stories)
    overdue = list(waiting.filter(send_at__lte=now).order_by("-send_at", "-pk")[:MOST_RUNS])
    shown = [
        issue for n, issue in enumerate(overdue)
        if sum(each.newsletter_id == issue.newsletter_id for each in overdue[:n]) < MOST_OVERDUE
    ]  # fmt: skip
    return [*reversed(shown), *waiting.filter(send_at__gt=now).order_by("send_at", "pk")[:MOST_RUNS]]


def _being_made(issues: Sequence[Issue]) -> Iterator[tuple[int, Run]]:
    for issue in issues:
        title = capfirst(issue.get_cadence_display()) if issue.cadence else str(issue)
        shown = day_and_hour(issue.send_at, issue.newsletter.time_zone)
        tone = TONES.get(Issue.Status(issue.status), "plain")
        run = Run(title, issue.send_at, shown, _state(issue), tone, _contents(issue), desk_of(issue))
        yield issue.newsletter_id, run


def _state(issue: Issue) -> str:
    if issue.status == Issue.Status.APPROVED and issue.approved_by:
        by = issue.approved_by.get_short_name() or issue.approved_by.get_username()
        return _("approved by %(editor)s") % {"editor": by}
    if issue.status == Issue.Status.APPROVED and issue.is_approved_by_hand:
        return _("approved by an editor")
    needs_approval = issue.schedule is None or issue.schedule.approval == Schedule.Approval.REQUIRED
    outlook: IssueOutlook | None = getattr(issue, "outlook", None)
    if issue.status in drafting.UNDECIDED and outlook and outlook.forecast.get("skipped"):
        return _("draft; so far too little is new, it would be skipped")
    if issue.status == Issue.Status.DRAFT and not needs_approval:
        return _("draft; goes out by itself")
    if issue.status == Issue.Status.DRAFT:
        return _("draft; waits for approval")
    return str(issue.get_status_display())


def _contents(issue: Issue) -> str:
    """``6 stories, 4,210 readers``; what the worker has worked out, or the stories in it while it has not."""
    outlook: IssueOutlook | None = getattr(issue, "outlook", None)
    if outlook is None:
        count = getattr(issue, "story_count", 0)
        if issue.newsletter.kind != Newsletter.Kind.DIGEST:
            return ""
        return ngettext("%(count)d story waits", "%(count)d stories wait", count) % {"count": count}
    most, readers = int(outlook.forecast["most"]), sum(outlook.forecast["editions"])
    told = ngettext("%(count)s reader", "%(count)s readers", readers) % {"count": grouped(readers)}
    if not most:
        return told
    stories = ngettext("%(count)d story", "%(count)d stories", most) % {"count": most}
    return f"{stories}, {told}"


def _planned(issues: Sequence[Issue]) -> Iterator[tuple[int, Run]]:
    """The next run of each schedule, unless its issue is being made already."""
    being_made = {(issue.schedule_id, issue.send_at) for issue in issues}
    active = Schedule.objects.filter(is_active=True).select_related("newsletter").order_by("next_run_at", "pk")
    for schedule in active[:MOST_RUNS]:
        title = capfirst(schedule.get_cadence_display())
        url = reverse("admin:digests_schedule_change", args=[schedule.pk])
        if schedule.cadence == Cadence.IMMEDIATE:
            state = _("waits for the next article")
            yield schedule.newsletter_id, Run(title, None, _("with every article"), state, url=url)
        elif schedule.next_run_at and (schedule.pk, schedule.next_run_at) not in being_made:
            shown = day_and_hour(schedule.next_run_at, schedule.time_zone)
            detail = _("its draft opens %(time)s") % {"time": _opening(schedule, schedule.next_run_at)}
            yield schedule.newsletter_id, Run(title, schedule.next_run_at, shown, _("planned"), "plain", detail, url)


def _opening(schedule: Schedule, run_at: datetime) -> str:
    """The hour alone if it is on the day of the run."""
    zone = ZoneInfo(schedule.time_zone)
    at = (run_at - timedelta(minutes=schedule.draft_minutes)).astimezone(zone)
    return date_format(at, "H:i" if at.date() == run_at.astimezone(zone).date() else "D j M, H:i")
