"""What there is to read: articles, what they are about, who wrote them, where they come from."""

from articles.models.articles import Article, ArticleQuerySet, free_slug
from articles.models.feeds import Feed, FeedEntry, FeedHost, FeedQuerySet, SkippedItem
from articles.models.push import PushDelivery, PushSubscription
from articles.models.topics import SLUG_LENGTH, Author, Topic

__all__ = [
    "SLUG_LENGTH",
    "Article",
    "ArticleQuerySet",
    "Author",
    "Feed",
    "FeedEntry",
    "FeedHost",
    "FeedQuerySet",
    "PushDelivery",
    "PushSubscription",
    "SkippedItem",
    "Topic",
    "free_slug",
]
