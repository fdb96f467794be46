"""Two articles tell the same story: one stays, the other leads to it, and no reader gets both.

The one that goes is withdrawn and remembers where it went. Its sources, topics and earlier addresses belong to the one
that stays, so that a feed which brings the story again changes nothing. What readers received is a record and is not
rewritten: whoever got either of them has had the story (``ids_of_stories``, which the ledger asks).
A merger can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from articles.models import Article, FeedEntry, Revision
from articles.writing import revisions

if TYPE_CHECKING:
    from django.contrib.auth.models import User


_FIELDS = ("canonical_url", "status", "withdrawn_at", "merged_into", "merge_record")


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
    gone.merge_record = _record(gone, kept)
    FeedEntry.objects.filter(article=gone).update(article=kept, has_taken_over=False)
    kept.topics.add(*gone.topics.all())
    Article.objects.filter(merged_into=gone).update(merged_into=kept)  # who was sent there comes here at once
    url, gone.canonical_url = gone.canonical_url, ""
    gone.status, gone.withdrawn_at, gone.merged_into = Article.Status.WITHDRAWN, gone.withdrawn_at or now, kept
    gone.save(update_fields=[*_FIELDS, "updated_at"])
    if url and not kept.canonical_url:
        kept.canonical_url = url
        kept.save(update_fields=["canonical_url", "updated_at"])
    revisions.record(kept, editor=editor, now=now, reason=Revision.Reason.MERGED)


@transaction.atomic
def take_apart(duplicate: Article, *, editor: User | None, now: datetime) -> bool:
    """Undo a merger: the duplicate is what it was, and gets back what it gave. False if it is not merged.

    What has changed since stays: topics that somebody chose, sources that a third article has by now. Of a merger that
    left no record only the duplicate's own state comes back, withdrawn.
    """
    gone = Article.objects.select_for_update().get(pk=duplicate.pk)
    if gone.merged_into_id is None:
        return False
    kept = Article.objects.select_for_update().get(pk=gone.merged_into_id)
    record = gone.merge_record or {}
    revisions.note_found(kept, now=now)
    own = FeedEntry.objects.filter(pk__in=record.get("entries", []), article=kept)
    own.filter(pk__in=record.get("took_over", [])).update(has_taken_over=True)
    own.update(article=gone)
    Article.objects.filter(pk__in=record.get("duplicates", []), merged_into=kept).update(merged_into=gone)
    kept.topics.remove(*_topics_given(record, kept))
    if record.get("gave_url") and kept.canonical_url == record["url"]:
        kept.canonical_url = ""
        kept.save(update_fields=["canonical_url", "updated_at"])
    _stand_alone(gone, record)
    revisions.record(kept, editor=editor, now=now)
    return True


def _record(gone: Article, kept: Article) -> dict[str, Any]:
    """What the merger is about to move."""
    entries = gone.entries.order_by("pk").values_list("pk", "has_taken_over")
    return {
        "status": gone.status,
        "withdrawn_at": gone.withdrawn_at.isoformat() if gone.withdrawn_at else None,
        "url": gone.canonical_url,
        "gave_url": bool(gone.canonical_url and not kept.canonical_url),
        "entries": [pk for pk, _has_taken_over in entries],
        "took_over": [pk for pk, has_taken_over in entries if has_taken_over],
        "topics": sorted(set(gone.topics.values_list("pk", flat=True)) - set(kept.topics.values_list("pk", flat=True))),
        "duplicates": sorted(gone.duplicates.values_list("pk", flat=True)),
    }


def _topics_given(record: dict[str, Any], kept: Article) -> list[int]:
    """Topics that came with the merger, as long as nobody has saved the article since."""
    merged = kept.revisions.filter(reason=Revision.Reason.MERGED).order_by("-pk").first()
    is_touched = merged is None or kept.revisions.filter(pk__gt=merged.pk).exclude(editor=None).exists()
    return [] if is_touched else list(record.get("topics", []))


def _stand_alone(gone: Article, record: dict[str, Any]) -> None:
    gone.merged_into, gone.merge_record = None, None
    gone.status = record.get("status", gone.status)
    if "withdrawn_at" in record:
        gone.withdrawn_at = parse_datetime(record["withdrawn_at"] or "")
    url = record.get("url", "")
    gone.canonical_url = "" if Article.objects.filter(canonical_url=url).exists() else url
    gone.save(update_fields=[*_FIELDS, "updated_at"])


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
