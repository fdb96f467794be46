"""Who is to be told of a correction: exactly those whom the ledger knows to have got what is corrected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from articles.models import Article
from newsletter.delivery import archiving
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Correction, EditionItem, Issue
from newsletter.subscribers.models import Newsletter, Subscription, WelcomeArticle, WelcomeMail


@dataclass(frozen=True)
class Reach:
    """How many active readers of a newsletter got what is corrected; None while a worker counts; ``at``: when."""

    newsletter: Newsletter
    count: int | None
    at: datetime | None = None


def reaches(correction: Correction) -> Iterator[Reach]:
    """The newsletters by which it went out, with whom a mail would reach. Nobody is counted twice.

    Reads every mail that carried it: a page asks ``reaching``.
    """
    with transaction.atomic():
        archiving.bring_back_corrected(correction)
    served: list[int] = []
    for newsletter in newsletters(correction):
        readers = Subscription.objects.filter(newsletter=newsletter).mailable()
        reader = OuterRef("subscriber")
        others = _got(correction).filter(campaign__issue__newsletter__in=served, subscriber=reader)
        greeted = welcomed(correction).filter(newsletter__in=served, subscriber=reader)
        told = readers.filter(pk__in=recipients(correction, newsletter))
        yield Reach(newsletter, told.exclude(Exists(others.order_by())).exclude(Exists(greeted)).count())
        served.append(newsletter.pk)


def newsletters(correction: Correction) -> QuerySet[Newsletter]:
    """By which it went out."""
    by_issue = Q(pk__in=Campaign.objects.filter(issue__in=issues(correction)).order_by().values("issue__newsletter"))
    by_welcome = Q(pk__in=welcomed(correction).values("newsletter"))
    return Newsletter.objects.filter(by_issue | by_welcome).order_by("position", "pk")


def recipients(correction: Correction, newsletter: Newsletter) -> QuerySet[Subscription, Any]:
    """A select of the subscriptions of those who got it by this newsletter, whether or not they may still be mailed.

    Without who gets, or is about to get, this correction by another newsletter.
    """
    by_issue = _got(correction).filter(campaign__issue__newsletter=newsletter).values("subscriber")
    by_welcome = welcomed(correction).filter(newsletter=newsletter).values("subscriber")
    told = Send.objects.holding().filter(campaign__issue__correction=correction, subscriber=OuterRef("subscriber"))
    told_elsewhere = Exists(told.exclude(campaign__issue__newsletter=newsletter).order_by())
    # a union, for PostgreSQL would look through all who got it for each reader if the two were joined by OR
    readers = Subscription.objects.filter(newsletter=newsletter, subscriber__in=by_issue.order_by().union(by_welcome))
    return readers.filter(~told_elsewhere).values("pk")


def _got(correction: Correction) -> QuerySet[Send]:
    sent = Send.objects.filter(status=Send.Status.SENT, subscriber__isnull=False)
    if correction.article_id is None:
        return sent.filter(campaign__issue=correction.issue_id)
    return sent.filter(campaign__issue__in=issues(correction), edition__in=_items(correction).values("edition"))


def issues(correction: Correction) -> QuerySet[Issue]:
    """Those that carried it."""
    if correction.article_id is None:
        return Issue.objects.filter(pk=correction.issue_id).order_by()
    return Issue.objects.filter(pk__in=_items(correction).values("edition__issue")).order_by()


def _items(correction: Correction) -> QuerySet[EditionItem]:
    return EditionItem.objects.filter(article__in=_stories(correction)).order_by()


def welcomed(correction: Correction) -> QuerySet[Subscription]:
    """Whom a welcome mail showed the article that is corrected."""
    if correction.article_id is None:
        return Subscription.objects.none()
    shown = WelcomeArticle.objects.filter(
        article__in=_stories(correction), welcome_mail__status=WelcomeMail.Status.SENT
    )
    return Subscription.objects.filter(pk__in=shown.order_by().values("welcome_mail__subscription")).order_by()


def _stories(correction: Correction) -> QuerySet[Article]:
    """The article and what was merged into it."""
    return Article.objects.filter(Q(pk=correction.article_id) | Q(merged_into=correction.article_id)).order_by()
