"""The desk's pages for what there is to read; Django's admin finds the classes by importing this package."""

from articles.admin.articles import ArticleAdmin
from articles.admin.feeds import FeedAdmin
from articles.admin.topics import AuthorAdmin, TopicAdmin

__all__ = ["ArticleAdmin", "AuthorAdmin", "FeedAdmin", "TopicAdmin"]
