"""Earlier versions of an article: kept at every save, compared, brought back.

The first save of an article keeps two: what it said before ("as it came", from a feed or a program) and what it says
now. So whatever changed it in between, the version before an editor's change is never lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from articles import pictures
from articles.models import Article, Author, Revision, Topic

if TYPE_CHECKING:
    from django.contrib.auth.models import User

WORDS = (
    "title", "summary", "body", "newsletter_title", "newsletter_summary", "picture_alt", "picture_credit", "language",
    "canonical_url", "is_sponsored",
)  # fmt: skip
RELATIONS = ("topics", "authors")
CIRCUMSTANCES = ("slug", "is_mailable", "embargo_until", "expires_at", "published_at", "picture")

type Content = Mapping[str, Any]


def content_of(article: Article) -> Content:
    """What editors can change of the article, as its row says now. 2 queries."""
    values = {name: getattr(article, name) for name in (*WORDS, *CIRCUMSTANCES)}
    values["picture"] = str(values["picture"] or "")
    for name in RELATIONS:
        values[name] = sorted(getattr(article, name).order_by().values_list("pk", flat=True))
    content: Content = json.loads(json.dumps(values, cls=DjangoJSONEncoder))  # as it will be read back
    return content


def digest(content: Content) -> str:
    """SHA-256 in hex; equal for equal contents. White space counts."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_of(article: Article) -> str:
    return digest(content_of(article))


def note_found(article: Article, *, now: datetime) -> None:
    """Keep what the row says before it is changed, if no version says it: a feed or a program wrote it."""
    stored = Article.objects.get(pk=article.pk)
    content = content_of(stored)
    latest = article.revisions.order_by("-pk").first()
    if latest is None or latest.digest != digest(content):
        _keep(stored, content, Revision.Reason.FOUND, editor=None, at=stored.updated_at or now)


def record(
    article: Article, *, editor: User | None, now: datetime, reason: Revision.Reason = Revision.Reason.SAVED
) -> Revision | None:
    """Keep what the article says now. None if the newest version says the same."""
    content = content_of(article)
    latest = article.revisions.order_by("-pk").first()
    if latest and latest.digest == digest(content):
        return None
    return _keep(article, content, reason, editor=editor, at=now)


@transaction.atomic
def restore(revision: Revision, *, editor: User, now: datetime) -> Article:
    """Make the article say what it said then: its words, topics, authors and picture. What it says now is kept, too.

    When it is published, mailed or expires and its address stay as they are; so does its picture if the file of the
    old one is gone.
    """
    article = Article.objects.select_for_update().get(pk=revision.article_id)
    note_found(article, now=now)
    for name in WORDS:
        if name in revision.content:
            setattr(article, name, revision.content[name])
    article.save(update_fields=[*WORDS, "updated_at"])
    article.topics.set(Topic.objects.filter(pk__in=revision.content.get("topics", [])))
    article.authors.set(Author.objects.filter(pk__in=revision.content.get("authors", [])))
    if (picture := revision.content.get("picture")) is not None and picture != str(article.picture or ""):
        pictures.bring_back(article, picture)
    record(article, editor=editor, now=now, reason=Revision.Reason.RESTORED)
    return article


def _keep(
    article: Article, content: Content, reason: Revision.Reason, *, editor: User | None, at: datetime
) -> Revision:
    return Revision.objects.create(
        article=article, editor=editor, reason=reason, content=content, digest=digest(content), created_at=at
    )
