"""Two articles tell the same story: one stays, the other leads to it, and no reader gets both.

The one that goes is withdrawn and remembers where it went. Its sources, topics and earlier addresses belong to the one
that stays, so that a feed which brings the story again changes nothing. What readers received is a record and is not
rewritten: whoever got either of them has had the story (``ids_of_stories``, which the ledger asks).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from articles.models import Article, FeedEntry, Revision
from articles.writing import revisions

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class CannotMerge(Exception):
    """These two cannot be merged. The message is a sentence for people."""


@transaction.atomic
def merge(*, duplicate: Article, into: Article, editor: User | None, now: datetime) -> None:
    """Let ``into`` stand for both. Raises CannotMerge."""
    locked = {
        row.pk: row for row in Article.objects.select_for_update().filter(pk__in=[duplicate.pk, into.pk]).order_by("pk")
    }
    kept, gone = locked.get(into.pk), locked.get(duplicate.pk)
    if kept is None or gone is None or kept == gone:
        raise CannotMerge(_("Choose another article."))
    if kept.merged_into_id or gone.merged_into_id:
        raise CannotMerge(_("One of them is merged already."))
    revisions.note_found(kept, now=now)
    revisions.note_found(gone, now=now)
    FeedEntry.objects.filter(article=gone).update(article=kept)
    kept.topics.add(*gone.topics.all())
    Article.objects.filter(merged_into=gone).update(merged_into=kept)  # who was sent there comes here at once
    url, gone.canonical_url = gone.canonical_url, ""
    gone.status, gone.withdrawn_at, gone.merged_into = Article.Status.WITHDRAWN, gone.withdrawn_at or now, kept
    gone.save(update_fields=["canonical_url", "status", "withdrawn_at", "merged_into", "updated_at"])
    if url and not kept.canonical_url:
        kept.canonical_url = url
        kept.save(update_fields=["canonical_url", "updated_at"])
    revisions.record(kept, editor=editor, now=now, reason=Revision.Reason.MERGED)


def ids_of_stories(articles: Iterable[int]) -> dict[int, int]:
    """Article -> the one of ``articles`` that stands for it; theirs are they and what was merged into them. 1 query."""
    pks = list(articles)
    duplicates = Article.objects.filter(merged_into__in=pks).values_list("pk", "merged_into_id")
    return {pk: pk for pk in pks} | {pk: kept for pk, kept in duplicates if kept is not None}


def likely_duplicates(article: Article, *, limit: int = 5) -> list[Article]:
    """Articles that may tell the same story: the same headline in letters and digits, from a feed or the same words."""
    keys = article.entries.values("title_key")
    same = Article.objects.filter(entries__title_key__in=keys) | Article.objects.filter(title=article.title)
    return list(same.exclude(pk=article.pk).filter(merged_into=None).distinct().order_by("-pk")[:limit])
