"""What readers have had besides the mails of the ledger, as selects for the audience: no query per reader.

- What a welcome showed them.
- For who gets every article: all that was released before they joined. They begin with what is published from then on;
  the others get one digest of the usual size.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from articles.models import Article
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Cadence, Subscriber, Subscription, WelcomeArticle

JOINED_AT = Greatest(Coalesce("confirmed_at", "imported_at"), Coalesce("imported_at", "confirmed_at"))


class Source(NamedTuple):
    """A select of (reader, bits...) and its parameters."""

    sql: str
    params: tuple[Any, ...]


def besides(issue: Issue, *, offered: str, stories: Collection[int], words: int) -> list[Source]:
    """``offered`` is the audience's table of articles and their bits, ``stories`` are its. One query at most."""
    bits = "".join(f", o.w{n}" for n in range(words))
    told = Q(article__in=stories) | Q(article__merged_into__in=stories)
    welcomed = WelcomeArticle.objects.holding().filter(told).order_by()
    rows = welcomed.values("article_id", reader=F("welcome_mail__subscription__subscriber"))
    sql, params = rows.query.sql_with_params()
    join = f"JOIN {offered} o ON o.article = n.article_id"
    found = [Source(f"SELECT n.reader{bits} FROM ({sql}) n {join}", params)]  # noqa: S608
    if is_for_every_article(issue) and (first := _first_release(stories)):
        joined = newcomers(issue, since=first)
        sql, params = joined.query.sql_with_params()
        articles = Article._meta.db_table
        before = f"JOIN {articles} a ON a.released_at < n.joined_at AND a.merged_into_id IS NULL"
        join = f"{before} JOIN {offered} o ON o.article = a.id"
        found.append(Source(f"SELECT n.reader{bits} FROM ({sql}) n {join}", params))  # noqa: S608
    return found


def is_for_every_article(issue: Issue) -> bool:
    """Whether it goes to readers who get each article as it comes; what an editor sends by hand does not."""
    return issue.cadence == Cadence.IMMEDIATE and not issue.is_alert


def newcomers(issue: Issue, *, since: datetime) -> QuerySet[Subscription, Any]:
    """Active readers of the newsletter who joined after that, as (joined_at, reader)."""
    active = Subscription.objects.filter(newsletter=issue.newsletter_id, status=Subscription.Status.ACTIVE)
    return (
        active.annotate(joined_at=JOINED_AT)
        .filter(joined_at__gt=since)
        .order_by()
        .values("joined_at", reader=F("subscriber"))
    )


def welcomed_with(reader: Subscriber, articles: Collection[int]) -> set[int]:
    """Those of the articles that a welcome showed this reader, or is about to. One query."""
    theirs = WelcomeArticle.objects.holding().filter(welcome_mail__subscription__subscriber=reader)
    return set(theirs.filter(article__in=articles).values_list("article_id", flat=True))


def before_they_joined(issue: Issue, reader: Subscriber, articles: Collection[int]) -> set[int]:
    """Those of the articles that were out before a reader of every article joined. Two queries at most."""
    if not is_for_every_article(issue):
        return set()
    theirs = Subscription.objects.filter(newsletter=issue.newsletter_id, subscriber=reader)
    joined_at = theirs.annotate(joined_at=JOINED_AT).values_list("joined_at", flat=True).first()
    if joined_at is None:
        return set()
    return set(Article.objects.filter(pk__in=articles, released_at__lt=joined_at).values_list("pk", flat=True))


def _first_release(articles: Collection[int]) -> datetime | None:
    released = Article.objects.filter(pk__in=articles, released_at__isnull=False).order_by("released_at", "pk")
    return released.values_list("released_at", flat=True).first()
