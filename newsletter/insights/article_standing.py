"""Where an article stands in every digest: sent, going out, or why it is not in; and what withdrawing it would do.

The article's page shows it (``articles.outlook``, to which config/urls.py contributes this). Sends are counted as far
as a page can wait for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from articles.models import Article
from articles.outlook import Standing
from newsletter.delivery import archive
from newsletter.delivery.books import books_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.drafting import dropped, window_days
from newsletter.digests.models import EditionItem, Issue, IssueItem, Schedule
from newsletter.insights.drawing import Draw
from newsletter.insights.wording import moment
from newsletter.subscribers.models import Newsletter

MOST_COUNTED = 20_000  # sends with the article that a page counts; above it says "more than"
MOST_ISSUES = 5


@dataclass(frozen=True)
class Carried:
    """An issue that went out with the article: how many were sent it, of how many that the issue was for."""

    issue: Issue
    sent: int
    planned: int

    def __str__(self) -> str:
        count = number_format(min(self.sent, MOST_COUNTED), force_grouping=True)
        at = moment(self.issue.launched_at or self.issue.send_at)
        if self.sent > MOST_COUNTED:
            return _("sent to more than %(count)s readers in #%(number)d, %(at)s") % {
                "count": count, "number": self.issue.number, "at": at,
            }  # fmt: skip
        share = share_of(self.sent, self.planned)
        if self.issue.is_alert:
            return _("sent to %(share)d %% (%(count)s) as an alert, %(at)s") % {
                "share": share, "count": count, "at": at,
            }  # fmt: skip
        return _("sent to %(share)d %% (%(count)s) in #%(number)d, %(at)s") % {
            "share": share, "count": count, "number": self.issue.number, "at": at,
        }  # fmt: skip


def share_of(sent: int, planned: int) -> int:
    """In per cent, whole; never all while somebody has it not."""
    return min(100 * sent // planned, 100) if planned else 0


def standings(article: Article, now: datetime) -> list[Standing]:
    """One for each digest and for what else has it, in the site's order. A few queries, three for every newsletter."""
    carried, items = _carried(article), _waiting_items(article)
    newsletters = newsletters_of({*carried, *items})
    return [_standing(article, each, carried.get(each.pk, []), items.get(each.pk, []), now) for each in newsletters]


def newsletters_of(others: Collection[int]) -> QuerySet[Newsletter]:
    """The digests, and these others: an alert or an announcement may have an article as well."""
    told = Q(kind=Newsletter.Kind.DIGEST) | Q(pk__in=others)
    return Newsletter.objects.filter(told).order_by("position", "pk")


def effects_of_withdrawing(article: Article, now: datetime) -> list[str]:
    """What withdrawing it now would do, in sentences."""
    effects = []
    for items in _waiting_items(article).values():
        effects += [
            _("It is taken from %(issue)s of %(at)s.") % {"issue": item.issue, "at": moment(item.issue.send_at)}
            for item in items
            if item.state not in IssueItem.OUT
        ]
    under_way = Campaign.objects.filter(
        status__in=[Campaign.Status.SENDING, Campaign.Status.PAUSED], issue__editions__items__article=article
    ).distinct()
    effects += [
        _("%(issue)s is being sent: mails that have not left yet go without it.") % {"issue": campaign.issue}
        for campaign in under_way.select_related("issue__newsletter")
    ]
    sent = sum(carried.sent for each in _carried(article).values() for carried in each)
    if sent:
        count = number_format(min(sent, MOST_COUNTED), force_grouping=True)
        effects.append(
            _("%(count)s readers have it in a mail already; the link in it leads to a page that says so.")
            % {"count": count if sent <= MOST_COUNTED else f"> {count}"}
        )
    return effects or [_("No mail carries it, and none is about to.")]


def _standing(
    article: Article, newsletter: Newsletter, carried: Sequence[Carried], items: Sequence[IssueItem], now: datetime
) -> Standing:
    parts, tone, url = [str(each) for each in carried], "plain", ""
    if carried:
        tone, url = "good", reverse("admin:digests_issue_change", args=[carried[0].issue.pk])
    place = next((item for item in items if item.state not in IssueItem.OUT), None)
    if place and is_eligible(article, now):
        draw = Draw.of(place.issue, now=now)
        parts.insert(0, draw.told_of(article.pk))
        url = reverse("admin:digests_issue_change", args=[place.issue_id])
        tone = "good" if carried or draw.brings(article.pk) else "plain"
    elif not parts or items:
        parts += _missed(article, newsletter) if not carried else []
        next_run = None if own_reason(article, now) or items else _next_run(newsletter)
        days = window_days(next_run[0], now=now) if next_run else 0
        is_dropped = bool(next_run and dropped([next_run[0]], [article.pk]))
        if next_run:
            parts.append(planned(article, *next_run, days=days, is_dropped=is_dropped))
        else:
            parts.append(why_not(article, items, now))
        tone = "good" if carried else "plain"
    return Standing(newsletter=str(newsletter), text="; ".join(parts), tone=tone, url=url)


def _missed(article: Article, newsletter: Newsletter) -> list[str]:
    """The latest issue that listed it, went out and had no room for it."""
    left_out = IssueItem.objects.filter(article=article, issue__newsletter=newsletter, is_told=False)
    left_out = left_out.exclude(state__in=IssueItem.OUT)
    latest = left_out.filter(issue__launched_at__isnull=False).select_related("issue").order_by("-issue__launched_at")
    return [_("had no room in #%(number)d") % {"number": item.issue.number} for item in latest[:1]]


def why_not(article: Article, items: Sequence[IssueItem], now: datetime) -> str:
    """Why no issue in the making has it."""
    dropped = next((item for item in items if item.state == IssueItem.State.DROPPED), None)
    if own := own_reason(article, now):
        return own
    later = next((item for item in items if item.state == IssueItem.State.LATER), None)
    if later:
        return _("an editor kept it for the issue after #%(number)d") % {"number": later.issue.number}
    if dropped:
        return _("not in: an editor dropped it from #%(number)d") % {"number": dropped.issue.number}
    return _("not in: no run is planned")


def _next_run(newsletter: Newsletter) -> tuple[Schedule, datetime] | None:
    planned = newsletter.schedules.filter(is_active=True, next_run_at__isnull=False).order_by("next_run_at", "pk")
    schedule = planned.first()
    return (schedule, schedule.next_run_at) if schedule and schedule.next_run_at else None


def planned(article: Article, schedule: Schedule, next_run_at: datetime, *, days: int, is_dropped: bool) -> str:
    """``days``: how old an article may be for the schedule's next run; an editor may have dropped it before."""
    if is_dropped:
        return _("not in: an editor dropped it from an earlier issue")
    at = date_format(next_run_at.astimezone(ZoneInfo(schedule.time_zone)), "D j M, H:i")
    if article.released_at and article.released_at < next_run_at - timedelta(days=days):
        return _("not in: older than its window of %(days)d days") % {"days": days}
    return _("goes into the draft for %(at)s") % {"at": at}


def own_reason(article: Article, now: datetime) -> str:
    """What keeps it out of every newsletter."""
    if article.status == Article.Status.WITHDRAWN:
        return _("not in: withdrawn")
    if article.status != Article.Status.PUBLISHED or article.released_at is None:
        return _("not in: not published")
    if not article.is_mailable:
        return _("not in: it stays on the site")
    if article.expires_at and article.expires_at <= now:
        return _("not in: expired %(at)s") % {"at": moment(article.expires_at)}
    if article.released_at > now:
        return _("waits for the end of its embargo, %(at)s") % {"at": moment(article.released_at)}
    free_at = article.released_at + timedelta(minutes=settings.ARTICLE_GRACE_MINUTES)
    if free_at > now:
        return _("may go out from %(at)s on, so that slips can be mended before") % {"at": moment(free_at)}
    return ""


def is_eligible(article: Article, now: datetime) -> bool:
    return not own_reason(article, now) or bool(article.released_at and article.released_at > now)


def _waiting_items(article: Article) -> dict[int, list[IssueItem]]:
    """Its places in issues that may still go out, by newsletter, the next to go first."""
    found: dict[int, list[IssueItem]] = defaultdict(list)
    waiting = IssueItem.objects.filter(article=article.pk, issue__in=Issue.objects.waiting().order_by())
    for item in waiting.select_related("issue__newsletter").order_by("issue__send_at", "pk"):
        found[item.issue.newsletter_id].append(item)
    return found


def _carried(article: Article) -> dict[int, list[Carried]]:
    """The latest issues that went out with it, by newsletter. Articles merged into it are this one."""
    stories = [article.pk, *Article.objects.filter(merged_into=article.pk).values_list("pk", flat=True)]
    editions: dict[int, list[int]] = defaultdict(list)
    told = EditionItem.objects.filter(article__in=stories, edition__issue__launched_at__isnull=False)
    for issue, edition in told.order_by("-edition__issue_id").values_list("edition__issue_id", "edition_id"):
        editions[issue].append(edition)
    pks = list(editions)[:MOST_ISSUES]
    campaigns = (
        Campaign.objects.filter(issue__in=pks).select_related("issue__newsletter").order_by("-started_at", "-pk")
    )
    books = books_of(campaigns)
    found: dict[int, list[Carried]] = defaultdict(list)
    for campaign in campaigns:
        sent = Send.objects.filter(campaign=campaign, edition__in=editions[campaign.issue_id], status=Send.Status.SENT)
        archived = archive.accepted([campaign.pk]) if campaign.archived_to else Counter[int]()
        count = sent.order_by()[: MOST_COUNTED + 1].count()
        count += sum(archived[edition] for edition in editions[campaign.issue_id])
        found[campaign.issue.newsletter_id].append(Carried(campaign.issue, count, books[campaign.pk].planned))
    return found
