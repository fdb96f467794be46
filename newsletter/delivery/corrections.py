"""Who is to be told of a correction: exactly those whom the ledger knows to have got what is corrected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from articles.models import Article
from newsletter.delivery import archiving
from newsletter.delivery.models import Send
from newsletter.digests.models import Correction, EditionItem
from newsletter.subscribers.models import Newsletter, Subscription, WelcomeArticle, WelcomeMail


@dataclass(frozen=True)
class Reach:
    """How many active readers of a newsletter got what is corrected."""

    newsletter: Newsletter
    count: int


def reaches(correction: Correction) -> Iterator[Reach]:
    """The newsletters by which it went out, with whom a mail would reach. Nobody is counted twice."""
    with transaction.atomic():
        archiving.bring_back_corrected(correction)
    by_issue = Q(pk__in=_got(correction).order_by().values("campaign__issue__newsletter"))
    by_welcome = Q(pk__in=_welcomed(correction).values("newsletter"))
    newsletters = Newsletter.objects.filter(by_issue | by_welcome)
    served: list[int] = []
    for newsletter in newsletters.order_by("position", "pk"):
        readers = Subscription.objects.filter(newsletter=newsletter).mailable()
        others = _got(correction).filter(campaign__issue__newsletter__in=served).values("subscriber")
        welcomed = _welcomed(correction).filter(newsletter__in=served).values("subscriber")
        told = readers.filter(pk__in=recipients(correction, newsletter))
        told = told.exclude(subscriber__in=others).exclude(subscriber__in=welcomed)
        yield Reach(newsletter, told.count())
        served.append(newsletter.pk)


def recipients(correction: Correction, newsletter: Newsletter) -> QuerySet[Subscription, Any]:
    """A select of the subscriptions of those who got it by this newsletter, whether or not they may still be mailed.

    Without who gets, or is about to get, this correction by another newsletter.
    """
    got = _got(correction).filter(campaign__issue__newsletter=newsletter).values("subscriber")
    told = (
        Send.objects.holding()
        .filter(campaign__issue__correction=correction)
        .exclude(campaign__issue__newsletter=newsletter)
    )
    got_it = Q(subscriber__in=got) | Q(pk__in=_welcomed(correction).values("pk"))
    readers = Subscription.objects.filter(got_it, newsletter=newsletter)
    return readers.exclude(subscriber__in=told.filter(subscriber__isnull=False).values("subscriber")).values("pk")


def _got(correction: Correction) -> QuerySet[Send]:
    sent = Send.objects.filter(status=Send.Status.SENT, subscriber__isnull=False)
    if correction.article_id is None:
        return sent.filter(campaign__issue=correction.issue_id)
    return sent.filter(edition__in=EditionItem.objects.filter(article__in=_stories(correction)).values("edition"))


def _welcomed(correction: Correction) -> QuerySet[Subscription]:
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
