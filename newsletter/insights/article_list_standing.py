"""Where the articles of a list stand in the newsletters: shorter than on an article's page, and for all rows at once.

Shares of readers are told where they can be counted while somebody waits: of short campaigns, and of alerts, which have
one article. Of a long campaign an article's own page counts more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from articles.models import Article
from articles.outlook import Standing
from newsletter.delivery import archive
from newsletter.delivery.books import Books, books_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.drafting import dropped, window_days_after
from newsletter.digests.models import EditionItem, Issue, IssueItem, Schedule
from newsletter.insights.article_standing import (
    is_eligible,
    newsletters_of,
    own_reason,
    planned,
    share_of,
    why_not,
)
from newsletter.insights.drawing import Draw

MOST_COUNTED = 20_000  # sends of all campaigns of a page together
Place = tuple[int, int]  # article, newsletter


@dataclass
class Page:
    """What is known of the articles of a page. ``runs``: each newsletter's next one, and how many days back it goes."""

    now: datetime
    carried: dict[Place, list[str]] = field(default_factory=lambda: defaultdict(list))
    items: dict[Place, list[IssueItem]] = field(default_factory=lambda: defaultdict(list))
    runs: dict[int, tuple[Schedule, datetime, int]] = field(default_factory=dict)
    dropped: set[Place] = field(default_factory=set)  # newsletter, article: by the newsletter's next run
    draws: dict[int, Draw] = field(default_factory=dict)

    def draw(self, issue: Issue) -> Draw:
        """What a waiting issue would bring, asked once."""
        if issue.pk not in self.draws:
            self.draws[issue.pk] = Draw.of(issue, now=self.now)
        return self.draws[issue.pk]

    @property
    def newsletters(self) -> set[int]:
        return {newsletter for _article, newsletter in {*self.carried, *self.items}}


def standings_in_list(articles: Sequence[Article], now: datetime) -> dict[int, list[Standing]]:
    """By article. What keeps it out of every newsletter is told once, without one's name.

    Eleven queries at most, and about as many for each issue that waits with any of them.
    """
    if not articles:
        return {}
    page = Page(now)
    _find_carried(page, [article.pk for article in articles])
    _find_items(page, [article.pk for article in articles])
    newsletters = {each.pk: str(each) for each in newsletters_of(page.newsletters)}
    _find_runs(page, newsletters)
    page.dropped = dropped([schedule for schedule, _at, _days in page.runs.values()], [each.pk for each in articles])
    return {article.pk: list(_standings(article, newsletters, page)) for article in articles}


def _standings(article: Article, newsletters: Mapping[int, str], page: Page) -> list[Standing]:
    told, own = [], own_reason(article, page.now)
    for pk, name in newsletters.items():
        if standing := _standing(article, pk, name, page):
            told.append(standing)
    return [*told, *([Standing("", own)] if own and newsletters else [])]


def _standing(article: Article, newsletter: int, name: str, page: Page) -> Standing | None:
    place = (article.pk, newsletter)
    carried, items = page.carried.get(place, []), page.items.get(place, [])
    item = next((each for each in items if each.state not in IssueItem.OUT), None)
    if item and is_eligible(article, page.now):
        url = reverse("admin:digests_issue_change", args=[item.issue_id])
        draw = page.draw(item.issue)
        tone = "good" if carried or draw.brings(article.pk) else "plain"
        return Standing(name, "; ".join([draw.told_of(article.pk), *carried]), tone, url)
    if carried:
        return Standing(name, "; ".join(carried), "good")
    if own_reason(article, page.now):
        return None
    if items or newsletter not in page.runs:
        return Standing(name, why_not(article, items, page.now))
    schedule, next_run_at, days = page.runs[newsletter]
    is_dropped = (newsletter, article.pk) in page.dropped
    return Standing(name, planned(article, schedule, next_run_at, days=days, is_dropped=is_dropped))


def _find_items(page: Page, articles: Collection[int]) -> None:
    """Places in issues that may still go out, the next to go first."""
    waiting = IssueItem.objects.filter(article__in=articles, issue__in=Issue.objects.waiting().order_by())
    for item in waiting.select_related("issue").order_by("issue__send_at", "pk"):
        page.items[item.article_id, item.issue.newsletter_id].append(item)


def _find_runs(page: Page, newsletters: Collection[int]) -> None:
    """The next run of each newsletter."""
    active = Schedule.objects.filter(newsletter__in=newsletters, is_active=True, next_run_at__isnull=False)
    known = active.annotate(last_at=Max("issues__launched_at", filter=Q(issues__launched_at__lte=page.now)))
    rows: Any = known.order_by("-next_run_at", "-pk")  # the earliest is the last to be noted
    for schedule in rows:
        days = window_days_after(schedule.last_at, schedule, now=page.now)
        page.runs[schedule.newsletter_id] = (schedule, schedule.next_run_at, days)


def _find_carried(page: Page, articles: Collection[int]) -> None:
    """What went out with them, the latest first. Articles merged into one of them are that one."""
    merged: dict[int, Any] = dict(Article.objects.filter(merged_into__in=articles).values_list("pk", "merged_into"))
    stories = EditionItem.objects.filter(article__in=[*articles, *merged], edition__issue__launched_at__isnull=False)
    pairs = stories.order_by().values_list("article", "edition__issue").distinct()
    issues = {(merged.get(article, article), issue) for article, issue in pairs}
    campaigns = {
        campaign.issue_id: campaign
        for campaign in Campaign.objects.filter(issue__in={issue for _article, issue in issues}).select_related("issue")
    }
    books = books_of(campaigns.values()) if campaigns else {}
    sent = _sent(campaigns.values(), books, merged, articles)
    for article, issue_pk in sorted(issues, key=lambda pair: -pair[1]):
        if campaign := campaigns.get(issue_pk):
            count = sent.get((article, issue_pk)) if sent is not None else None
            text = _carried(campaign.issue, count, books[campaign.pk])
            page.carried[article, campaign.issue.newsletter_id].append(text)


def _sent(
    campaigns: Collection[Campaign], books: Mapping[int, Books], merged: Mapping[int, int], articles: Collection[int]
) -> dict[tuple[int, int], int] | None:
    """How many were sent an article in an issue; None where that is too much to count."""
    if any(not each.is_known for each in books.values()) or sum(e.planned for e in books.values()) > MOST_COUNTED:
        return None
    sends = Send.objects.filter(campaign__in=[each.pk for each in campaigns], status=Send.Status.SENT).order_by()
    by_edition = Counter(dict(sends.values_list("edition").annotate(count=Count("pk"))))
    if archived := [each.pk for each in campaigns if each.archived_to]:
        by_edition += archive.accepted(archived)
    rows = EditionItem.objects.filter(article__in=[*articles, *merged], edition__in=by_edition)
    counts: dict[tuple[int, int], int] = defaultdict(int)
    seen = set()
    for article, edition, issue in rows.values_list("article", "edition", "edition__issue"):
        story = merged.get(article, article)
        if (story, edition) not in seen:
            seen.add((story, edition))
            counts[story, issue] += by_edition[edition]
    return counts


def _carried(issue: Issue, sent: int | None, books: Books) -> str:
    if issue.is_alert:
        sent = books.of(Send.Status.SENT) if books.is_known else None
        if sent is None:
            return _("sent as an alert")
        return _("sent to %(share)d %% as an alert") % {"share": share_of(sent, books.planned)}
    if sent is None:
        return _("sent in #%(number)d") % {"number": issue.number}
    return _("sent to %(share)d %% in #%(number)d") % {"share": share_of(sent, books.planned), "number": issue.number}
