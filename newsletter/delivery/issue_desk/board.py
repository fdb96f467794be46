"""What lies on the desk: the stories that wait, the issue in its order, and why each is where it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from articles.models import Article, Feed, FeedEntry
from newsletter.delivery import outlooks
from newsletter.delivery.forecasting import Forecast
from newsletter.delivery.issue_desk.parts import Part, Story, link, parts_of
from newsletter.digests import changing
from newsletter.digests.drafting import window_days
from newsletter.digests.issue_sample import Sample, sample
from newsletter.digests.models import Issue, IssueItem
from newsletter.digests.selection import MAX_HEADLINES
from newsletter.subscribers.models import Newsletter

State = IssueItem.State
NEW_FOR, SOON = timedelta(hours=2), timedelta(days=2)
MOST_WAITING = 60  # shown of each kind
MOST_COMING = 10
OPEN_GROUPS = {"new", "carried", "expiring", "later"}


@dataclass(frozen=True)
class Group:
    """Stories that wait for the same reason."""

    key: str
    title: str
    stories: Sequence[Story]
    is_open: bool = True
    more: int = 0


@dataclass(frozen=True)
class Quota:
    """How much of a limit is used: ``Sport 3 of 3``."""

    name: str
    count: int
    most: int

    @property
    def is_full(self) -> bool:
        return self.count >= self.most


@dataclass(frozen=True)
class Board:
    """Everything that the panes show of an issue's stories.

    ``end``: the first article behind what is shown; what goes to the end of the issue goes right before it.
    """

    issue: Issue
    sample: Sample
    stories: Sequence[Story]
    parts: Sequence[Part]
    headlines: Sequence[Story]
    waiting: Sequence[Group]
    quotas: Sequence[Quota]
    coming: Sequence[Article]
    forecast: Forecast | None
    end: int | None

    @property
    def waiting_count(self) -> int:
        return sum(len(group.stories) + group.more for group in self.waiting)

    @property
    def offered_subject(self) -> str:
        """The headline that leads."""
        return self.stories[0].headline if self.stories else ""

    @property
    def has_no_room(self) -> bool:
        return self.end is not None

    @property
    def most_headlines(self) -> int:
        return MAX_HEADLINES


def board(issue: Issue, *, now: datetime) -> Board:
    """A fixed number of queries, whatever the number of readers; a few more than the issue has articles are read."""
    return _Laying(issue, now).board()


@dataclass
class _Laying:
    issue: Issue
    now: datetime

    def board(self) -> Board:
        drawn = self.drawn
        stories = [self._story(pk, n) for n, pk in enumerate(drawn.selection.stories)]
        headlines = [self._headline(pk) for pk in drawn.selection.headlines]
        order = [*drawn.selection.stories, *drawn.selection.headlines, *self._kinds["room"]]
        parts = parts_of(self.issue, stories, order=order)
        link(parts, headlines, order=order)
        return Board(
            issue=self.issue, sample=drawn, stories=stories, parts=parts, headlines=headlines,
            waiting=self._waiting(), end=next(iter(self._kinds["room"]), None), quotas=self._quotas(),
            coming=self._coming(), forecast=self.forecast,
        )  # fmt: skip

    @cached_property
    def forecast(self) -> Forecast | None:
        return outlooks.forecast_of(self.issue)

    @cached_property
    def drawn(self) -> Sample:
        return sample(self.issue, now=max(self.now, self.issue.send_at), received=outlooks.had_by_most(self.forecast))

    @cached_property
    def items(self) -> dict[int, IssueItem]:
        rows = self.issue.items.select_related("article").defer("article__body").prefetch_related("article__topics")
        return {item.article_id: item for item in rows.order_by("position", "pk")}

    @cached_property
    def sources(self) -> Mapping[int, str]:
        """Where each article came from."""
        rows = FeedEntry.objects.filter(article__in=list(self.items)).order_by("-pk")
        return dict(rows.values_list("article_id", "feed__title"))

    @cached_property
    def told(self) -> Mapping[int, Issue]:
        """The latest issue that told each article."""
        rows = IssueItem.objects.filter(article__in=list(self.items), issue__launched_at__isnull=False)
        rows = rows.exclude(state__in=IssueItem.OUT).exclude(is_told=False).select_related("issue__newsletter")
        return {item.article_id: item.issue for item in rows.order_by("issue__launched_at", "pk")}

    @cached_property
    def window(self) -> timedelta | None:
        return timedelta(days=window_days(self.issue.schedule, now=self.now)) if self.issue.schedule else None

    def _blank(self, pk: int) -> Story:
        item = self.items[pk]
        return Story(
            item=item,
            topic=changing.topic_of(item.article),
            source=self.sources.get(pk, "") or _("written here"),
            sent=self._sent(pk),
            note=self._deadline(item.article),
            is_new=bool(item.article.released_at and self.now - item.article.released_at < NEW_FOR),
        )

    def _story(self, pk: int, place: int) -> Story:
        story = self._blank(pk)
        known = next((each.is_known for each in self.drawn.offered if each.article_id == pk), False)
        if story.is_pinned:
            story.why = _("an editor pinned it")
        elif known:
            story.why = _("does not lead: it went out as an alert")
        elif self.issue.is_arranged:
            story.why = _("where an editor put it")
        else:
            story.why = _("ranked %(place)d: %(age)s old") % {"place": place + 1, "age": self._age(story.article)}
        return story

    def _headline(self, pk: int) -> Story:
        story = self._blank(pk)
        candidate = next(each for each in self.drawn.offered if each.article_id == pk)
        full = {quota.name for quota in self._quotas() if quota.is_full}
        feeds = [self._feed_names.get(feed, "") for feed in candidate.feeds]
        if len(self.drawn.selection.stories) >= self.drawn.limits.maximum:
            story.why = _("only a headline: the places for stories are taken")
        elif story.topic in full:
            story.why = _("only a headline: there is enough of %(topic)s above") % {"topic": story.topic}
        elif any(name in full for name in feeds):
            story.why = _("only a headline: there is enough of its source above")
        return story

    @cached_property
    def _kinds(self) -> Mapping[str, Sequence[int]]:
        """What is not in the issue, in its order, by the reason; ``room``: only because there is no place for it."""
        placed = {*self.drawn.selection.stories, *self.drawn.selection.headlines}
        offered = {each.article_id for each in self.drawn.offered}
        had = outlooks.had_by_most(self.forecast)
        kinds: dict[str, list[int]] = {"room": [], "later": [], "dropped": [], "had": [], "gone": []}
        for pk, item in self.items.items():
            if pk not in placed:
                kinds[self._kind(pk, item, offered, had)].append(pk)
        return kinds

    def _kind(self, pk: int, item: IssueItem, offered: set[int], had: frozenset[int]) -> str:
        if item.state in IssueItem.OUT:
            return str(item.state)
        if pk not in offered:
            return "gone"
        return "had" if pk in had else "room"

    @cached_property
    def _carried(self) -> frozenset[int]:
        """What an earlier issue of this newsletter had as well, and has not been sent with it to most readers."""
        earlier = Issue.objects.filter(newsletter=self.issue.newsletter, send_at__lt=self.issue.send_at, is_alert=False)
        rows = IssueItem.objects.filter(issue__in=earlier.exclude(pk=self.issue.pk), article__in=self._kinds["room"])
        return frozenset(rows.values_list("article_id", flat=True))

    def _waiting(self) -> list[Group]:
        titles = {
            "new": _("New"), "carried": _("Carried over"), "expiring": _("Expiring"),
            "later": _("Kept for the next issue"), "dropped": _("Dropped"), "had": _("Most readers have had them"),
            "gone": _("Withdrawn, expired or under embargo"),
        }  # fmt: skip
        stories: dict[str, list[Story]] = {key: [] for key in titles}
        counts: Counter[str] = Counter()
        for kind, pks in self._kinds.items():
            for pk in pks:
                key = self._group_of(pk) if kind == "room" else kind
                counts[key] += 1
                if counts[key] <= MOST_WAITING:
                    stories[key].append(self._blank(pk))
        return [
            Group(key, titles[key], found, is_open=key in OPEN_GROUPS, more=counts[key] - len(found))
            for key, found in stories.items()
            if found
        ]

    def _group_of(self, pk: int) -> str:
        """Of what waits for room: what must go out soon or never comes first to mind, then what waits already."""
        if self._deadline(self.items[pk].article):
            return "expiring"
        return "carried" if pk in self._carried else "new"

    def _quotas(self) -> list[Quota]:
        """Only the limits that say something: topics and feeds that have any story."""
        limits, chosen = self.drawn.limits, set(self.drawn.selection.stories)
        shown = [each for each in self.drawn.offered if each.article_id in chosen]
        found = []
        if limits.per_topic:
            sections = Counter(each.section for each in shown if each.section)
            found = [Quota(section, count, limits.per_topic) for section, count in sections.most_common()]
        feeds = Counter(feed for each in shown for feed in each.feeds if feed in limits.per_feed)
        return found + [Quota(self._feed_names.get(pk, ""), n, limits.per_feed[pk]) for pk, n in feeds.most_common()]

    @cached_property
    def _feed_names(self) -> Mapping[int, str]:
        feeds = {feed for each in self.drawn.offered for feed in each.feeds}
        return dict(Feed.objects.filter(pk__in=feeds).values_list("pk", "title"))

    def _coming(self) -> list[Article]:
        """What an embargo or the grace period keeps back at the moment."""
        if self.issue.newsletter.kind != Newsletter.Kind.DIGEST:
            return []
        soon = Article.objects.filter(
            status=Article.Status.PUBLISHED, is_mailable=True, released_at__gt=self.now, released_at__lt=self.now + SOON
        )
        return list(soon.exclude(pk__in=list(self.items)).order_by("released_at", "pk")[:MOST_COMING])

    def _sent(self, pk: int) -> str:
        issue, forecast = self.told.get(pk), self.forecast
        count = forecast.had.get(pk, 0) if forecast else 0
        if issue is None and not count:
            return ""
        share = round(100 * count / forecast.audience_count) if forecast and forecast.audience_count else 0
        how = _("as an alert") if issue and issue.is_alert else (_("in #%(n)d") % {"n": issue.number} if issue else "")
        if not count:
            return _("sent %(how)s to others") % {"how": how} if how else ""
        return _("already sent to %(share)d %% %(how)s") % {"share": max(share, 1), "how": how}

    def _deadline(self, article: Article) -> str:
        ends = [article.expires_at] if article.expires_at else []
        if self.window and article.released_at:
            ends.append(article.released_at + self.window)
        end = min(ends, default=None)
        if end is None or end - self.now > SOON:
            return ""
        local = end.astimezone(ZoneInfo(self.issue.newsletter.time_zone))
        return _("expires %(at)s") % {"at": date_format(local, "D H:i")}

    def _age(self, article: Article) -> str:
        return timesince(article.released_at, self.now, depth=1) if article.released_at else ""
