"""From an issue to its editions: every group of readers who are alike gets its selection, equal selections share one.

Cost: a handful of queries per 1,000 groups, whatever the number of readers; no template is rendered here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from articles.models import Article
from newsletter.digests.models import Edition, EditionItem, Issue, IssueItem, ReaderGroup
from newsletter.digests.selection import Candidate, Selection, TooFew, select
from newsletter.subscribers.models import Newsletter, TopicSet

BATCH_SIZE = 1000
UNLIMITED = timedelta(days=36_500)
ANNOUNCEMENT = Selection(stories=())


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What makes readers alike: the topics they follow (None: all) and the editions they had, "3,17" ascending."""

    topic_set_id: int | None
    received: str


def assemble(*, issue: Issue, groups: Iterable[GroupKey], now: datetime) -> list[ReaderGroup]:
    """Make the editions of ``issue`` and say which group of readers gets which, or why it gets none.

    Call it once per issue, inside the transaction that launches it.
    """
    groups = list(groups)
    selections = _select(issue, groups, now=now)
    editions = _create_editions(issue, {s for s in selections.values() if isinstance(s, Selection)})
    rows = [_reader_group(issue, key, selections[key], editions) for key in groups]
    return ReaderGroup.objects.bulk_create(rows, batch_size=BATCH_SIZE)


def candidates(issue: Issue, *, now: datetime) -> list[Candidate]:
    """What the issue offers, in its order: pinned first; nothing dropped, withdrawn, expired or under embargo."""
    alive = Article.objects.eligible(since=now - UNLIMITED, now=now)
    items = issue.items.filter(article__in=alive).exclude(state=IssueItem.State.DROPPED)
    rows = sorted(items.values_list("state", "position", "pk", "article_id"), key=_place)
    topics = defaultdict(set)
    for article_id, topic_id in Article.topics.through.objects.filter(
        article_id__in=[row[3] for row in rows]
    ).values_list("article_id", "topic_id"):
        topics[article_id].add(topic_id)
    return [Candidate(row[3], frozenset(topics[row[3]])) for row in rows]


def _place(row: tuple[str, int, int, int]) -> tuple[bool, int, int]:
    state, position, pk, _article_id = row
    return state != IssueItem.State.PINNED, position, pk


def _select(issue: Issue, groups: list[GroupKey], *, now: datetime) -> Mapping[GroupKey, Selection | TooFew]:
    if issue.newsletter.kind != Newsletter.Kind.DIGEST:
        return dict.fromkeys(groups, ANNOUNCEMENT)
    offered = candidates(issue, now=now)
    articles_of = _articles_of_editions({pk for key in groups for pk in _pks(key.received)})
    topics_of = {topic_set.pk: topic_set.topic_pks for topic_set in TopicSet.objects.all()}
    return {
        key: select(
            offered,
            topics=topics_of[key.topic_set_id] if key.topic_set_id else None,
            received={article for edition in _pks(key.received) for article in articles_of[edition]},
            minimum=issue.min_articles,
            maximum=issue.max_articles,
        )
        for key in groups
    }


def _pks(text: str) -> list[int]:
    return [int(pk) for pk in text.split(",")] if text else []


def _articles_of_editions(editions: set[int]) -> Mapping[int, set[int]]:
    articles: dict[int, set[int]] = defaultdict(set)
    pks = sorted(editions)
    for start in range(0, len(pks), BATCH_SIZE):
        items = EditionItem.objects.filter(edition_id__in=pks[start : start + BATCH_SIZE])
        for edition_id, article_id in items.values_list("edition_id", "article_id"):
            articles[edition_id].add(article_id)
    return articles


def _create_editions(issue: Issue, selections: set[Selection]) -> Mapping[str, Edition]:
    rows = [Edition(issue=issue, content_key=selection.content_key) for selection in selections]
    editions = {edition.content_key: edition for edition in Edition.objects.bulk_create(rows, batch_size=BATCH_SIZE)}
    items = [item for selection in selections for item in _items(editions[selection.content_key], selection)]
    EditionItem.objects.bulk_create(items, batch_size=BATCH_SIZE)
    return editions


def _items(edition: Edition, selection: Selection) -> Iterable[EditionItem]:
    story, headline = EditionItem.Placement.STORY, EditionItem.Placement.HEADLINE
    placed = [(pk, story) for pk in selection.stories] + [(pk, headline) for pk in selection.headlines]
    for position, (article_id, placement) in enumerate(placed):
        yield EditionItem(edition=edition, article_id=article_id, position=position, placement=placement)


def _reader_group(
    issue: Issue, key: GroupKey, selection: Selection | TooFew, editions: Mapping[str, Edition]
) -> ReaderGroup:
    group = ReaderGroup(issue=issue, topic_set_id=key.topic_set_id, received=key.received)
    if isinstance(selection, Selection):
        group.edition = editions[selection.content_key]
    else:
        reasons = ReaderGroup.SkippedReason
        group.skipped_reason = reasons.TOO_FEW if selection.count else reasons.NOTHING_NEW
    return group
