"""Who may do what with an article: the one place that decides it, for pages, buttons, actions and programs alike.

Permissions say what somebody may do at all; what they mean for one article is said here. Who may change articles but
has no ``edit_any_article`` is an author: they see what is public and what is theirs, and change only their own, until
it is published. ``config/roles.py`` says which role has which permission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from articles.models import Article, ArticleQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

type Person = User | AnonymousUser

UNPUBLISHED = frozenset({Article.Status.DRAFT, Article.Status.IN_REVIEW})


def may_edit_any(user: Person) -> bool:
    return user.has_perm("articles.change_article") and user.has_perm("articles.edit_any_article")


def may_see(user: Person, article: Article) -> bool:
    if not user.has_perm("articles.view_article") and not user.has_perm("articles.change_article"):
        return False
    return may_edit_any(user) or is_own(user, article) or article.status == Article.Status.PUBLISHED


def may_change(user: Person, article: Article) -> bool:
    """Whether they may change its words. A merged article is a record of what was, and changed by nobody."""
    if article.merged_into_id or not user.has_perm("articles.change_article"):
        return False
    return may_edit_any(user) or (is_own(user, article) and article.status in UNPUBLISHED)


def may_publish(user: Person, article: Article | None = None) -> bool:
    """Publish and withdraw: this article, or any at all."""
    return user.has_perm("articles.publish_article") and (article is None or may_change(user, article))


def may_take_apart(user: Person, article: Article) -> bool:
    """Whether they may undo a merger: it changes what readers see of both."""
    return article.merged_into is not None and may_publish(user, article.merged_into)


def may_delete(user: Person, article: Article) -> bool:
    """Only what no reader ever saw: the archive and the ledger know the rest. That can be withdrawn."""
    never_seen = article.released_at is None and article.status in UNPUBLISHED
    return never_seen and user.has_perm("articles.delete_article") and may_change(user, article)


def visible_to(user: Person, articles: ArticleQuerySet) -> ArticleQuerySet:
    """The articles that ``may_see`` allows, as a query."""
    if may_edit_any(user):
        return articles
    return articles.filter(Q(created_by=user.pk) | Q(status=Article.Status.PUBLISHED))


def is_own(user: Person, article: Article) -> bool:
    return user.pk is not None and article.created_by_id == user.pk
