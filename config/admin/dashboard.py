"""The desk's first page: when each newsletter goes out next, what became of the last issues, what needs a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from articles.long_lists import MOST_COUNTED, count_up_to
from articles.models import Article, Feed
from newsletter.delivery.books import Books, books_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers import counting
from newsletter.subscribers.models import Attack, Newsletter, SignUp, Suppression

RECENT_ISSUES = 8
TONES = {
    Issue.Status.DRAFT: "plain", Issue.Status.IN_REVIEW: "warning", Issue.Status.APPROVED: "info",
    Issue.Status.HELD: "danger", Issue.Status.SKIPPED: "plain", Issue.Status.CANCELLED: "plain",
}  # fmt: skip
CAMPAIGN_TONES = {
    Campaign.Status.SENDING: "info", Campaign.Status.PAUSED: "warning", Campaign.Status.FINISHED: "success",
    Campaign.Status.CANCELLED: "plain",
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A planned run, as people of the newsletter's time zone write it."""

    cadence: str
    at: datetime
    shown: str


@dataclass(frozen=True)
class NewsletterCard:
    newsletter: Newsletter
    readers: str
    runs: list[Run]
    last: Issue | None


@dataclass(frozen=True)
class IssueRow:
    """One planned run and what became of it."""

    issue: Issue
    state: str
    tone: str
    outcome: str
    percent: int | None  # of a campaign that is under way


@dataclass(frozen=True)
class Figure:
    label: str
    value: str
    url: str


@dataclass(frozen=True)
class Alarm:
    """Something that only a person can settle."""

    text: str
    url: str


def add_to_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    now = timezone.now()
    issues = list(Issue.objects.select_related("newsletter", "campaign")[:RECENT_ISSUES])
    return {
        **context,
        "title": date_format(timezone.localtime(now), "l, j F"),
        "alarms": list(alarms()),
        "cards": newsletter_cards(now),
        "issue_rows": issue_rows(issues),
        "figures": figures(now),
        "may_send": request.user.has_perm("delivery.change_campaign"),
    }


def newsletter_cards(now: datetime) -> list[NewsletterCard]:
    newsletters = list(Newsletter.objects.order_by("position", "pk")[:12])
    readers = counting.readers_in_words(newsletters)
    runs = _runs(Schedule.objects.filter(is_active=True, next_run_at__isnull=False).order_by("next_run_at", "pk"))
    return [
        NewsletterCard(
            newsletter=newsletter,
            readers=readers[newsletter.pk],
            runs=runs.get(newsletter.pk, []),
            last=newsletter.issues.filter(send_at__lte=now).order_by("-send_at", "-pk").first(),
        )
        for newsletter in newsletters
    ]


def _runs(schedules: Iterable[Schedule]) -> dict[int, list[Run]]:
    runs: dict[int, list[Run]] = {}
    for schedule in schedules:
        if schedule.next_run_at:
            local = schedule.next_run_at.astimezone(ZoneInfo(schedule.time_zone))
            run = Run(schedule.get_cadence_display(), schedule.next_run_at, date_format(local, "D j N, H:i"))
            runs.setdefault(schedule.newsletter_id, []).append(run)
    return runs


def issue_rows(issues: list[Issue]) -> list[IssueRow]:
    campaigns = {issue.pk: issue.campaign for issue in issues if hasattr(issue, "campaign")}
    books = books_of(campaigns.values())
    return [_issue_row(issue, campaigns.get(issue.pk), books) for issue in issues]


def _issue_row(issue: Issue, campaign: Campaign | None, counts: dict[int, Books]) -> IssueRow:
    if campaign is None:
        tone = TONES[Issue.Status(issue.status)]
        return IssueRow(issue, issue.get_status_display(), tone, issue.reason, None)
    books = counts[campaign.pk]
    waiting, total = books.waiting, books.planned
    is_moving = campaign.status in {Campaign.Status.SENDING, Campaign.Status.PAUSED} and total
    parts = [
        f"{books.of(status):,} {Send.Status(status).label}"
        for status in (Send.Status.SENT, Send.Status.FAILED, Send.Status.SKIPPED)
        if books.of(status)
    ]
    if not books.is_known:
        parts.append(_("being counted"))
    if books.counted_at and is_moving:
        parts.append(_("counted at %(time)s") % {"time": date_format(timezone.localtime(books.counted_at), "H:i")})
    if waiting:
        parts.append(_("%(count)d waiting") % {"count": waiting})
    return IssueRow(
        issue=issue,
        state=campaign.get_status_display(),
        tone=CAMPAIGN_TONES[Campaign.Status(campaign.status)],
        outcome=campaign.reason or " · ".join(parts),
        percent=round(100 * (total - waiting) / total) if is_moving else None,
    )


def figures(now: datetime) -> list[Figure]:
    day, week = now - timedelta(days=1), now - timedelta(days=7)
    return [
        Figure(
            _("released in 24 hours"),
            _up_to(Article.objects.published(now).filter(released_at__gt=day)),
            reverse("admin:articles_article_changelist"),
        ),
        Figure(
            _("waiting in review"),
            _up_to(Article.objects.filter(status=Article.Status.IN_REVIEW)),
            f"{reverse('admin:articles_article_changelist')}?status__exact=in_review",
        ),
        Figure(
            _("sign-ups in 7 days"),
            _up_to(SignUp.objects.filter(created_at__gt=week)),
            reverse("admin:subscribers_signup_changelist"),
        ),
        Figure(
            _("on the suppression list"),
            _up_to(Suppression.objects.all()),
            reverse("admin:subscribers_suppression_changelist"),
        ),
    ]


def _up_to(rows: QuerySet[Any]) -> str:
    """The number, or "1,000+" of what would take long to count."""
    count = count_up_to(rows.order_by())
    shown = number_format(min(count, MOST_COUNTED), force_grouping=True)
    return f"{shown}+" if count > MOST_COUNTED else shown


def alarms() -> Iterable[Alarm]:
    if Attack.objects.open().exists():
        text = _("Robots fill in the sign-up forms: attack mode is on.")
        yield Alarm(text, reverse("admin:subscribers_attack_changelist"))
    held = Issue.objects.filter(status=Issue.Status.HELD).count()
    if held:
        text = ngettext("%(count)d issue is held until somebody approves it.", "%(count)d issues are held.", held)
        yield Alarm(text % {"count": held}, f"{reverse('admin:digests_issue_changelist')}?status__exact=held")
    paused = Campaign.objects.filter(status=Campaign.Status.PAUSED, resume_at=None).count()
    if paused:
        text = ngettext("%(count)d campaign is paused.", "%(count)d campaigns are paused.", paused)
        yield Alarm(text % {"count": paused}, f"{reverse('admin:delivery_campaign_changelist')}?status__exact=paused")
    failing = Feed.objects.filter(status=Feed.Status.ACTIVE, failure_count__gt=2).count()
    if failing:
        text = ngettext("%(count)d feed fails.", "%(count)d feeds fail.", failing)
        yield Alarm(text % {"count": failing}, reverse("admin:articles_feed_changelist"))
    silent = Feed.objects.silent(timezone.now()).count()
    if silent:
        text = ngettext("%(count)d feed is unusually silent.", "%(count)d feeds are unusually silent.", silent)
        yield Alarm(text % {"count": silent}, f"{reverse('admin:articles_feed_changelist')}?health=silent")
    gone = Feed.objects.filter(status=Feed.Status.GONE).count()
    if gone:
        text = ngettext("%(count)d feed is gone for good.", "%(count)d feeds are gone for good.", gone)
        yield Alarm(text % {"count": gone}, f"{reverse('admin:articles_feed_changelist')}?status__exact=gone")
