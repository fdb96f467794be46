"""What to read after an article."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from articles.models import Article

CANDIDATES = 30
COUNT = 4


def next_to_read(article: Article, *, now: datetime) -> list[Article]:
    """Up to four of the newest articles, those that share most topics with this one first. 3 queries."""
    newest = Article.objects.published(now).exclude(pk=article.pk).values_list("pk", flat=True)[:CANDIDATES]
    candidates = list(newest)
    topics = _topics_of([article.pk, *candidates])
    chosen = sorted(candidates, key=lambda pk: -len(topics[pk] & topics[article.pk]))[:COUNT]
    shown = Article.objects.for_lists().in_bulk(chosen)
    return [shown[pk] for pk in chosen if pk in shown]


def _topics_of(articles: list[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    links = Article.topics.through.objects.filter(article__in=articles)
    for article, topic in links.values_list("article_id", "topic_id"):
        found[article].add(topic)
    return found
