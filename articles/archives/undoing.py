"""Taking an archive back: what it made goes, unless somebody has worked with it since."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError, RestrictedError

from articles import pictures
from articles.models import Archive, ArchiveItem, Article, Author, Feed, Topic

CHUNK = 50


def take_back_some(archive: Archive) -> int:
    """Delete some articles, with their pictures. Returns how many were looked at; 0 at the end.

    An article stays that an editor has changed, that an issue carries, or that another feed has brought as well.
    """
    rows = list(
        archive.items.filter(outcome=ArchiveItem.Outcome.NEW, article__isnull=False)
        .select_related("article")
        .order_by("position")[:CHUNK]
    )
    for row in rows:
        if row.article and not _delete(row.article, archive):
            row.outcome = ArchiveItem.Outcome.KNOWN  # it is ours now
            row.save(update_fields=["outcome"])
    return len(rows)


def _delete(article: Article, archive: Archive) -> bool:
    is_worked_with = article.revisions.exclude(editor=None).exists()
    is_elsewhere = article.entries.exclude(feed=archive.feed).exists()
    if is_worked_with or is_elsewhere:
        return False
    names = [str(article.picture), str(article.thumbnail), *(str(row.picture) for row in article.body_pictures.all())]
    try:
        with transaction.atomic():
            article.delete()
    except (ProtectedError, RestrictedError):
        return False
    for name in filter(None, names):
        pictures.forget(name)
    return True


def take_back_makings(archive: Archive) -> None:
    """Delete the feed, the authors and the topics that were made for it and that nothing else needs."""
    makings = archive.makings
    Author.objects.filter(pk__in=makings.get("authors", []), articles=None).delete()
    for topic in Topic.objects.filter(pk__in=makings.get("topics", []), articles=None, feeds=None):
        _delete_unless_needed(topic)
    for feed in Feed.objects.filter(pk=makings.get("feed"), status=Feed.Status.PAUSED, entries=None):
        feed.delete()


def _delete_unless_needed(topic: Topic) -> None:
    try:
        with transaction.atomic():
            topic.delete()
    except (ProtectedError, RestrictedError):  # somebody follows it
        return
