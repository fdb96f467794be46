"""What to read after an article."""

from __future__ import annotations

from datetime import datetime

from django.db.models import FETCH_RAISE

from articles.models import Article

CANDIDATES = 30
COUNT = 4


def next_to_read(article: Article, *, now: datetime) -> list[Article]:
    """Up to four of the newest articles, those that share most topics with this one first."""
    topics = {topic.pk for topic in article.topics.all()}
    newest = Article.objects.published(now).exclude(pk=article.pk).fetch_mode(FETCH_RAISE).defer("body")
    candidates = newest.prefetch_related("topics", "authors")[:CANDIDATES]
    shared = {other.pk: len(topics & {topic.pk for topic in other.topics.all()}) for other in candidates}
    return sorted(candidates, key=lambda other: -shared[other.pk])[:COUNT]
