"""Fetch the pictures that feeds name, under the same rules as the feeds themselves."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import Q

from articles import pictures
from articles.feeds.fetching import PICTURE_TYPES, FetchError, Limits, fetch
from articles.models import Article, Feed
from articles.pictures import PictureError, Rendition

logger = logging.getLogger(__name__)

LIMITS = Limits(seconds=15, max_bytes=pictures.MAX_BYTES)
SECONDS_PER_POLL = 60.0  # what remains is fetched with the next polls
MAX_PER_POLL = 100
TRIES_PERIOD = timedelta(hours=6)


def fetch_pictures(feed: Feed, *, wanted: Collection[int], now: datetime) -> int:
    """Get the pictures of these articles, and of recent ones whose server was down. Returns how many came."""
    deadline = monotonic() + SECONDS_PER_POLL
    is_waiting = Q(entries__feed=feed, picture="", first_seen_at__gt=now - TRIES_PERIOD)
    articles = Article.objects.filter(is_waiting | Q(pk__in=wanted)).exclude(picture_url="").distinct()
    count = 0
    for article in articles.order_by("-first_seen_at", "-released_at", "-pk")[:MAX_PER_POLL]:
        if monotonic() > deadline:
            break
        count += fetch_picture(article, trusted_url=feed.url)
    return count


def fetch_picture(article: Article, *, trusted_url: str = "") -> bool:
    """Get the picture at ``article.picture_url`` and store it. False if that failed; the article is never harmed.

    An address that will never give a picture is forgotten; one whose server is only down stays, to be tried again.
    """
    try:
        fetched = fetch(article.picture_url, trusted_url=trusted_url, limits=LIMITS, accept=PICTURE_TYPES)
        rendition = pictures.render(fetched.body)
    except (FetchError, PictureError) as error:
        logger.info("no picture for article %s: %s", article.pk, error)
        if isinstance(error, PictureError) or error.is_final:
            Article.objects.filter(pk=article.pk, picture_url=article.picture_url).update(picture_url="")
        return False
    return _store_if_still_wanted(article, rendition)


def _store_if_still_wanted(article: Article, rendition: Rendition) -> bool:
    """Store what was fetched, unless somebody gave the article another picture meanwhile."""
    if not Article.objects.filter(pk=article.pk, picture_url=article.picture_url).exists():
        return False
    try:
        pictures.store(article, rendition)
    except OSError:
        logger.exception("the picture of article %s could not be stored", article.pk)
        return False
    return True
