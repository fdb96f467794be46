"""From an issue to its editions: every group of readers who are alike gets its selection, equal selections share one.

Cost: a handful of queries for the candidates, then memory only: two mask operations a group, one selection for each
different set of articles that is left to somebody. Rows are written in bulk; no template is rendered here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from articles.models import Article, Feed, FeedEntry
from newsletter.digests.models import Appearance, Edition, EditionItem, EditionOffer, Issue, IssueItem, ReaderGroup
from newsletter.digests.selection import MAX_HEADLINES, Candidate, Limits, Offering, Selection, TooFew
from newsletter.lib.bulk import among, insert_rows
from newsletter.subscribers.models import Newsletter, TopicSet

UNLIMITED = timedelta(days=36_500)
ANNOUNCEMENT = Selection(stories=())
TAKES_OFFERS, IS_SILENT = "+", "~"
SHORT = 3  # stories for who has been silent for long
WORD_BITS = 62  # of a mask in the database: what fits into a signed 64-bit number, sums included


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What makes readers alike: the topics they follow (None: all), and which of the issue's articles they have had.

    ``received`` is a mask over the issue's candidates as the database writes it: words of 62 bits, the lowest first,
    in decimal with commas; "" for nothing. Where the issue carries offers, TAKES_OFFERS stands behind it for those who
    asked for offers; where it carries none nobody is told apart. IS_SILENT stands behind that of readers who have been
    silent for long, and get a short digest.
    """

    topic_set_id: int | None
    received: str

    @property
    def takes_offers(self) -> bool:
        return TAKES_OFFERS in self.received

    @property
    def is_silent(self) -> bool:
        return IS_SILENT in self.received

    @property
    def received_mask(self) -> int:
        mask = self.received.rstrip(TAKES_OFFERS + IS_SILENT)
        words = mask.split(",") if mask else []
        return sum(int(word) << (WORD_BITS * n) for n, word in enumerate(words))


@dataclass(frozen=True, slots=True)
class Plan:
    """What an issue would be, before anything is written: each group's selection, or how many were too few."""

    issue: Issue
    parts: Mapping[GroupKey, Selection | TooFew]

    @property
    def selections(self) -> set[Selection]:
        """The distinct contents: one edition each."""
        return {part for part in self.parts.values() if isinstance(part, Selection)}


def plan(issue: Issue, groups: Iterable[GroupKey], *, offered: Sequence[Candidate], offers: Sequence[int] = ()) -> Plan:
    """Work out which group of readers gets what.

    ``offered``: the candidates that the groups' masks speak of; ``offers``: what the issue carries for those who asked
    for offers, and who get something else with them.
    """
    groups = list(groups)
    if issue.is_written:
        return Plan(issue, {key: _with_offers(ANNOUNCEMENT, key, offers) for key in groups})
    offering = _offering(tuple(offered), limits(issue, offered))
    theirs: dict[int | None, int] = {None: offering.interesting_to(None)}
    followed = {key.topic_set_id for key in groups if key.topic_set_id}
    sets = TopicSet.objects.filter(pk__in=among(followed)) if followed else TopicSet.objects.none()
    for pk, key in sets.values_list("pk", "key").iterator():
        theirs[pk] = offering.interesting_to(frozenset(map(int, key.split(","))))
    parts = {key: offering.part(theirs[key.topic_set_id] & ~key.received_mask) for key in groups}
    parts = {key: shortened(part, news=offering.news) if key.is_silent else part for key, part in parts.items()}
    return Plan(issue, {key: _with_offers(part, key, offers) for key, part in parts.items()} if offers else parts)


@lru_cache(maxsize=1)
def _offering(offered: tuple[Candidate, ...], limits: Limits) -> Offering:
    """A share of the readers after the other is asked about: what one was told is not worked out for the next again."""
    return Offering(offered, limits)


def shortened[Part: (Selection, Selection | TooFew)](part: Part, *, news: AbstractSet[int]) -> Part:
    """The first stories only, for somebody who has been silent for long. The rest waits, and stands on the web.

    One of them is of the ``news``, the articles that are no advertisement: nobody is told advertisements alone.
    """
    if not isinstance(part, Selection):
        return part
    stories: tuple[int, ...] = part.stories[:SHORT]
    told = [pk for pk in part.stories if pk in news]
    if told and told[0] not in stories:
        stories = (*stories[: SHORT - 1], told[0])
    return replace(part, stories=stories, headlines=(), is_short=True)


def tells_the_silent_apart(issue: Issue) -> bool:
    """Whether those who have been silent for long get a short mail of it."""
    is_digest = issue.newsletter.kind == Newsletter.Kind.DIGEST and not issue.is_written and not issue.is_alert
    return is_digest and issue.newsletter.silence_days is not None


def _with_offers[Part: (Selection, Selection | TooFew)](part: Part, key: GroupKey, offers: Sequence[int]) -> Part:
    """Never alone: who gets nothing else gets no offer."""
    if not offers or not key.takes_offers or not isinstance(part, Selection):
        return part
    return replace(part, offers=tuple(offers))


def assemble(plan: Plan) -> bool:
    """Write the editions, and which group of readers gets which, or why it gets none. False if nobody gets any.

    Call it once per issue, or per share of its readers, inside the transaction that launches it.
    """
    editions = _create_editions(plan.issue, plan.selections)
    insert_rows(
        ReaderGroup,
        ["issue", "topic_set", "received", "edition", "skipped_reason"],
        (_group_row(plan.issue, key, part, editions) for key, part in plan.parts.items()),
    )
    return bool(editions)


def limits(issue: Issue, offered: Sequence[Candidate] = ()) -> Limits:
    """The rules that the issue took from its schedule, and the shares of the feeds of what it offers."""
    feeds = {feed for candidate in offered for feed in candidate.feeds}
    shares = Feed.objects.filter(pk__in=feeds, digest_share__lt=100).values_list("pk", "digest_share")
    return Limits(
        minimum=issue.min_articles,
        maximum=issue.max_articles,
        per_topic=issue.max_per_topic,
        per_feed={pk: max(1, issue.max_articles * percent // 100) for pk, percent in shares},
        headlines=MAX_HEADLINES if Appearance.of(issue.newsletter).shows_headlines else 0,
    )


def candidates(issue: Issue, *, now: datetime) -> list[Candidate]:
    """What the issue offers, in its order: pinned first; nothing dropped, withdrawn, expired or under embargo.

    An alert does not wait for the grace period: an editor has just looked at its article.
    """
    known = Article.objects
    alive = known.mailable(now) if issue.is_alert else known.eligible(since=now - UNLIMITED, now=now)
    items = issue.items.filter(article__in=alive).exclude(state__in=IssueItem.OUT)
    of_article = ["article_id", "article__released_at", "is_known", "article__is_sponsored"]
    columns = ["state", "position", "pk", *of_article, "section"]
    rows = sorted(items.annotate(is_known=_went_out_as_alert()).values_list(*columns), key=_place)
    pks = [row[3] for row in rows]
    latest = now - timedelta(days=issue.latest_days) if issue.latest_days else None
    topics, feeds = _topics_of(pks), _feeds_of(pks)
    return [
        Candidate(
            article_id=pk,
            topics=frozenset(topics[pk]),
            section=section or next(iter(topics[pk].values()), ""),
            feeds=frozenset(feeds[pk]),
            is_pinned=state == IssueItem.State.PINNED,
            is_known=is_known and not issue.is_alert,
            has_waited=latest is not None and released_at is not None and released_at <= latest,
            is_sponsored=is_sponsored,
        )
        for state, _position, _pk, pk, released_at, is_known, is_sponsored, section in rows
    ]


def _went_out_as_alert() -> Exists:
    sent = Issue.objects.gone_out().filter(is_alert=True).order_by()
    return Exists(IssueItem.objects.filter(article=OuterRef("article"), issue__in=sent))


def _place(row: tuple[str, int, int, int, datetime | None, bool, bool, str]) -> tuple[bool, int, int]:
    state, position, pk, *_article = row
    return state != IssueItem.State.PINNED, position, pk


def _topics_of(pks: Sequence[int]) -> Mapping[int, dict[int, str]]:
    """Article -> its topics in the site's order with their names; the first is the section it is shown under."""
    topics: dict[int, dict[int, str]] = defaultdict(dict)
    order = ["topic__position", "topic__name", "topic_id"]
    theirs = Article.topics.through.objects.filter(article_id__in=pks).order_by(*order)
    for article_id, topic_id, name in theirs.values_list("article_id", "topic_id", "topic__name"):
        topics[article_id][topic_id] = name
    return topics


def _feeds_of(pks: Sequence[int]) -> Mapping[int, set[int]]:
    feeds: dict[int, set[int]] = defaultdict(set)
    for article_id, feed_id in FeedEntry.objects.filter(article_id__in=pks).values_list("article_id", "feed_id"):
        feeds[article_id].add(feed_id)
    return feeds


def _create_editions(issue: Issue, selections: Iterable[Selection]) -> Mapping[Selection, int]:
    """Write an edition for each; selection -> its id."""
    by_key = {selection.content_key: selection for selection in selections}
    editions = dict(_editions(issue))
    known = editions.keys() & by_key.keys()  # of earlier readers
    insert_rows(
        Edition, ["issue", "content_key", "is_short", "error"],
        ((issue.pk, key, each.is_short, "") for key, each in by_key.items() if key not in known),
    )  # fmt: skip
    editions |= _editions(issue, after=max(editions.values(), default=0))
    ids = {selection: editions[key] for key, selection in by_key.items()}
    insert_rows(
        EditionItem,
        ["edition", "article", "position", "placement"],
        (row for key, each in by_key.items() if key not in known for row in _item_rows(ids[each], each)),
    )
    offers = [(ids[each], pk) for key, each in by_key.items() if key not in known for pk in each.offers]
    insert_rows(EditionOffer, ["edition", "offer"], offers)
    return ids


def _editions(issue: Issue, *, after: int = 0) -> Iterator[tuple[str, int]]:
    """What the issue's editions say, as their keys, and their ids, of those above ``after``."""
    return Edition.objects.filter(issue=issue, pk__gt=after).order_by().values_list("content_key", "pk").iterator()


def without_offers(edition: Edition, *, unwanted: Collection[int] | None = None) -> int:
    """The id of the same issue's edition with the same articles but without these offers, or without any."""
    told: dict[str, list[int]] = defaultdict(list)
    for placement, article in edition.items.order_by("position", "pk").values_list("placement", "article_id"):
        told[placement].append(article)
    carried = edition.offer_items.order_by("pk").values_list("offer_id", flat=True)
    kept = [pk for pk in carried if unwanted is not None and pk not in unwanted]
    stories, headlines = told[EditionItem.Placement.STORY], told[EditionItem.Placement.HEADLINE]
    wanted = Selection(
        stories=tuple(stories), headlines=tuple(headlines), offers=tuple(kept), is_short=edition.is_short
    )
    try:
        with transaction.atomic():
            return _create_editions(edition.issue, [wanted])[wanted]
    except IntegrityError:  # another worker was faster
        return Edition.objects.get(issue=edition.issue_id, content_key=wanted.content_key).pk


def _item_rows(edition: int, selection: Selection) -> Iterator[tuple[int, int, int, str]]:
    for position, (article, placement) in enumerate(placed(selection)):
        yield edition, article, position, placement


def placed(selection: Selection) -> Iterator[tuple[int, EditionItem.Placement]]:
    """The articles with their places: stories, then headlines."""
    for pk in selection.stories:
        yield pk, EditionItem.Placement.STORY
    for pk in selection.headlines:
        yield pk, EditionItem.Placement.HEADLINE


def _group_row(
    issue: Issue, key: GroupKey, part: Selection | TooFew, editions: Mapping[Selection, int]
) -> tuple[int, int | None, str, int | None, str]:
    if isinstance(part, Selection):
        return issue.pk, key.topic_set_id, key.received, editions[part], ""
    return issue.pk, key.topic_set_id, key.received, None, skipped_reason(part)


def skipped_reason(part: TooFew) -> ReaderGroup.SkippedReason:
    """Why readers with too few articles get none."""
    return ReaderGroup.SkippedReason.TOO_FEW if part.count else ReaderGroup.SkippedReason.NOTHING_NEW
