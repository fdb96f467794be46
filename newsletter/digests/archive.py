"""What the public pages say of newsletters: how often each comes, and which issues went out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf

from articles.models import Article
from newsletter.digests.models import Issue, IssueItem
from newsletter.subscribers.models import Newsletter
from newsletter.subscribers.rhythm import promise


@dataclass(frozen=True)
class Promise:
    """A newsletter with the sentence that says how often it comes."""

    newsletter: Newsletter
    rhythm: str

    @classmethod
    def of(cls, newsletter: Newsletter) -> Promise:
        return cls(newsletter, promise(newsletter))


def shown_items(*, now: datetime) -> QuerySet[IssueItem]:
    """What the archive shows of any issue: its news, not withdrawn, not under embargo; pinned articles first."""
    kept = IssueItem.objects.exclude(state__in=IssueItem.OUT).exclude(is_told=False)
    kept = kept.filter(article__status=Article.Status.PUBLISHED, article__released_at__lte=now)
    is_pinned_last = Case(When(state=IssueItem.State.PINNED, then=Value(0)), default=Value(1))
    return kept.order_by(is_pinned_last, "position", "pk")


def issues_of(newsletter: Newsletter, *, now: datetime) -> QuerySet[Issue]:
    """The newsletter's issues that went out, newest first, each with its ``headline`` ("" if it has none)."""
    first = shown_items(now=now).filter(issue=OuterRef("pk"))
    told = first.values_list(
        Coalesce(NullIf("title", Value("")), NullIf("article__newsletter_title", Value("")), "article__title")
    )
    headline = Coalesce(NullIf("subject", Value("")), Subquery(told[:1]), Value(""))
    issues: QuerySet[Issue] = Issue.objects.filter(newsletter=newsletter).published()
    return issues.select_related("newsletter").annotate(headline=headline)


@dataclass(frozen=True)
class Neighbors:
    """The issues that went out before and after one, each with its ``headline``."""

    earlier: Issue | None
    later: Issue | None

    @classmethod
    def of(cls, issue: Issue, *, now: datetime) -> Neighbors:
        sent = issues_of(issue.newsletter, now=now)
        return cls(
            earlier=sent.filter(number__lt=issue.number).first(),
            later=sent.filter(number__gt=issue.number).order_by("number").first(),
        )
