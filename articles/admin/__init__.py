"""The desk's pages for what there is to read; Django's admin finds the classes by importing this package."""

from articles.admin.archives import ArchiveAdmin
from articles.admin.articles import ArticleAdmin
from articles.admin.boilerplate import BoilerplateRuleAdmin
from articles.admin.category_rules import CategoryRuleAdmin
from articles.admin.feeds import FeedAdmin
from articles.admin.publication import PublicationAdmin
from articles.admin.topics import AuthorAdmin, TopicAdmin

__all__ = [
    "ArchiveAdmin",
    "ArticleAdmin",
    "AuthorAdmin",
    "BoilerplateRuleAdmin",
    "CategoryRuleAdmin",
    "FeedAdmin",
    "PublicationAdmin",
    "TopicAdmin",
]
