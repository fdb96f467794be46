"""What there is to read: articles, what they are about, who wrote them, where they come from."""

from articles.models.archives import Archive, ArchiveItem
from articles.models.articles import Article, ArticleQuerySet, free_slug, slug_base
from articles.models.feeds import Feed, FeedEntry, FeedHost, FeedQuerySet, SkippedItem
from articles.models.pictures import BodyPicture
from articles.models.publication import Publication
from articles.models.push import PushDelivery, PushSubscription
from articles.models.rules import BoilerplateRule, CategoryRule, category_key
from articles.models.topics import SLUG_LENGTH, Author, Topic
from articles.models.writing import EditingPresence, Revision, WorkingCopy

__all__ = [
    "SLUG_LENGTH",
    "Archive",
    "ArchiveItem",
    "Article",
    "ArticleQuerySet",
    "Author",
    "BodyPicture",
    "BoilerplateRule",
    "CategoryRule",
    "EditingPresence",
    "Feed",
    "FeedEntry",
    "FeedHost",
    "FeedQuerySet",
    "Publication",
    "PushDelivery",
    "PushSubscription",
    "Revision",
    "SkippedItem",
    "Topic",
    "WorkingCopy",
    "category_key",
    "free_slug",
    "slug_base",
]
