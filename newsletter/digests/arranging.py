"""The order of an issue's articles: ranked by the product until an editor sets one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from articles.models import Article
from newsletter.digests import ranking
from newsletter.digests.models import Issue, IssueItem


def arrange(issue: Issue, *, now: datetime) -> bool:
    """Put a draft's articles into the order of their rank. Pinned ones keep their places, and so does all that an
    editor arranged. Whether anything moved; 3 queries where nothing does.
    """
    if issue.is_arranged:
        return False
    items = {item.article_id: item for item in issue.items.exclude(state=IssueItem.State.PINNED)}
    ranked = rank(items, now=now)
    moved = []
    for position, pk in enumerate(ranked, start=1):
        if items[pk].position != position:
            items[pk].position = position
            moved.append(items[pk])
    if not moved:
        return False
    with transaction.atomic():
        row = Issue.objects.select_for_update(of=("self",)).only("is_arranged").get(pk=issue.pk)
        if row.is_arranged:  # by an editor, since it was read
            return False
        IssueItem.objects.bulk_update(moved, ["position"], batch_size=500)
    return True


def rank(articles: Iterable[int], *, now: datetime) -> list[int]:
    """The ids of these articles, best first. 2 queries."""
    rows = Article.objects.filter(pk__in=list(articles)).prefetch_related("topics").only("pk", "released_at", "score")
    return ranking.rank(_story(article, now) for article in rows)


def _story(article: Article, now: datetime) -> ranking.Story:
    released_at = article.released_at or now
    section = next(iter(article.topics.all()), None)
    return ranking.Story(
        article_id=article.pk,
        age_hours=(now - released_at).total_seconds() / 3600,
        popularity=article.score,
        section=section.pk if section else None,
    )
