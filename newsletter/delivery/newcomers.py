"""What a welcome mail shows of its newsletter: its look and, where an editor wants that, the best of the last days.

What it shows counts as received (having.py). It is chosen while no launch is under way, and noted at once, so that a
welcome and an issue of the same moment never bring a reader the same article.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import get_language

from articles.mail_look import logo_of, mail_look
from articles.models import Article, Publication
from articles.writing import merging
from newsletter.delivery.campaigns import one_launch_at_a_time
from newsletter.delivery.having import welcomed_with
from newsletter.delivery.models import Send
from newsletter.digests import stories
from newsletter.digests.arranging import rank
from newsletter.digests.models import Appearance, EditionItem
from newsletter.digests.stories import Story
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription, WelcomeArticle, WelcomeMail

MOST, LATELY = 5, timedelta(days=7)


def contents(row: WelcomeMail, *, now: datetime) -> Mapping[str, object]:
    """Values for the templates of this mail, in the active language. At most 16 queries."""
    newsletter = row.subscription.newsletter
    return {**look_of(newsletter), "stories": best_of(row, now=now)}


def look_of(newsletter: Newsletter) -> Mapping[str, object]:
    """Paper, type, accent and logo as the newsletter's issues have them. 2 queries."""
    appearance, publication = Appearance.of(newsletter), Publication.current()
    typeface = appearance.typeface or publication.typeface
    look = mail_look(accent=newsletter.accent_color, tone=appearance.tone, typeface=typeface)
    return {**vars(look), "logo": logo_of(publication) if appearance.shows_logo else None}


def best_of(row: WelcomeMail, *, now: datetime) -> list[Story]:
    """The articles that this welcome shows, best first; the same ones however often it is tried.

    Empty unless the newsletter is a digest that wants them. What was withdrawn meanwhile is left out.
    """
    newsletter = row.subscription.newsletter
    if not newsletter.welcome_has_best or newsletter.kind != Newsletter.Kind.DIGEST:
        return []
    with transaction.atomic():
        one_launch_at_a_time()
        if not row.items.exists():
            _choose(row, now=now)
    places = dict(row.items.values_list("article_id", "position"))
    alive = Article.objects.published(now).filter(pk__in=places).defer("body").prefetch_related("topics", "authors")
    shown = sorted(alive, key=lambda article: places[article.pk])
    spoken = get_language() or newsletter.language  # the mail may be in the reader's
    return [stories.story_of(article, spoken) for article in shown]


def _choose(row: WelcomeMail, *, now: datetime) -> None:
    fresh = _followed(row.subscription, now=now)
    had = received(row.subscription.subscriber, fresh)
    best = rank([pk for pk in fresh if pk not in had], now=now)[:MOST]
    items = [WelcomeArticle(welcome_mail=row, article_id=pk, position=n) for n, pk in enumerate(best)]
    WelcomeArticle.objects.bulk_create(items)


def _followed(subscription: Subscription, *, now: datetime) -> list[int]:
    """Recent articles in the reader's topics; advertisements are no way to say welcome."""
    recent = Article.objects.eligible(since=now - LATELY, now=now).filter(is_sponsored=False)
    if subscription.topic_set:
        recent = recent.filter(Q(topics__in=subscription.topic_set.topic_pks) | Q(topics=None)).distinct()
    return list(recent.order_by("pk").values_list("pk", flat=True))


def received(reader: Subscriber, articles: Collection[int]) -> set[int]:
    """Those of the articles that the reader has had, or is about to get, by any newsletter or welcome. 3 queries.

    A merged one counts as the story it was.
    """
    told = merging.ids_of_stories(articles)
    sends = Send.objects.holding().filter(subscriber=reader).order_by()
    items = EditionItem.objects.filter(edition__in=sends.values("edition"), article__in=list(told))
    had = {*items.values_list("article_id", flat=True), *welcomed_with(reader, list(told))}
    return {told[pk] for pk in had}
