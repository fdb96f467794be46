"""Fetch the pictures that articles name, under the same rules as the feeds themselves. They never hold up a text."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import Q

from articles import pictures
from articles.feeds import full_text
from articles.feeds.fetching import PICTURE_TYPES, FetchError, Limits, fetch
from articles.models import Article, BodyPicture, Feed
from articles.pictures import PictureError, Rendition

logger = logging.getLogger(__name__)

LIMITS = Limits(seconds=15, max_bytes=pictures.MAX_BYTES)
SECONDS_PER_POLL = 60.0  # what remains is fetched with the next polls
MAX_PER_POLL = 100
TRIES_PERIOD = timedelta(hours=6)
PAUSES = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))  # after a try that failed for now
LEASE = timedelta(minutes=5)


def fetch_pictures(feed: Feed, *, wanted: Collection[int], now: datetime) -> int:
    """Get the pictures of these articles, and of recent ones whose server was down. Returns how many came.

    Then the whole texts, if the feed is to have them, and the pictures inside texts; they are not counted.
    """
    deadline = monotonic() + SECONDS_PER_POLL
    is_waiting = Q(entries__feed=feed, picture="", first_seen_at__gt=now - TRIES_PERIOD)
    articles = Article.objects.filter(is_waiting | Q(pk__in=wanted)).exclude(picture_url="")
    articles = articles.filter(has_lost_picture=False).distinct()
    count = 0
    for article in articles.order_by("-first_seen_at", "-released_at", "-pk")[:MAX_PER_POLL]:
        if monotonic() > deadline:
            break
        count += fetch_picture(article, trusted_url=feed.url)
    if feed.extracts_full_text:
        full_text.fetch_due(now=now, feed=feed)
    fetch_body_pictures(now=now, feed=feed)
    return count


def fetch_body_pictures(*, now: datetime, feed: Feed | None = None) -> int:
    """Get the pictures inside texts that are due, of this feed's articles or of all. Returns how many came.

    Whoever wrote the text, the machines that may be asked are the same as for feeds. One whose server is down is tried
    again after PAUSES; one that is no picture, or lies where nobody may ask, never again.
    """
    deadline = monotonic() + SECONDS_PER_POLL
    due = BodyPicture.objects.due(now)
    if feed:
        due = due.filter(article__entries__feed=feed)
    count = 0
    for row in due.select_related("article")[:MAX_PER_POLL]:
        if monotonic() > deadline:
            break
        claimed = BodyPicture.objects.filter(pk=row.pk, next_try_at=row.next_try_at)
        if claimed.update(next_try_at=now + LEASE):
            count += _fetch_body_picture(row, trusted_url=feed.url if feed else "", now=now)
    return count


def fetch_body_pictures_of(article: Article, *, now: datetime) -> int:
    """Get the pictures inside this article's text that are due. Returns how many came."""
    return sum(
        _fetch_body_picture(row, trusted_url="", now=now) for row in article.body_pictures.filter(next_try_at__lte=now)
    )


def _fetch_body_picture(row: BodyPicture, *, trusted_url: str, now: datetime) -> bool:
    row.try_count += 1
    row.next_try_at = now + PAUSES[row.try_count - 1] if row.try_count <= len(PAUSES) else None
    try:
        fetched = fetch(row.url, trusted_url=trusted_url, limits=LIMITS, accept=PICTURE_TYPES)
        rendition = pictures.render(fetched.body)
        row.picture.name = pictures.keep(rendition, stem=row.article.slug)
        row.width, row.height, row.next_try_at = rendition.width, rendition.height, None
    except (FetchError, PictureError) as error:
        logger.info("no copy of a picture in article %s: %s", row.article_id, error)
        if isinstance(error, PictureError) or error.is_final:
            row.next_try_at = None
    except OSError:
        logger.exception("a picture of article %s could not be stored", row.article_id)
    row.save(update_fields=["picture", "width", "height", "try_count", "next_try_at"])
    return bool(row.picture)


def fetch_picture(article: Article, *, trusted_url: str = "") -> bool:
    """Get the picture at ``article.picture_url`` and store it. False if that failed; the article is never harmed.

    An address that will never give a picture is not asked again; one whose server is only down is.
    """
    try:
        fetched = fetch(article.picture_url, trusted_url=trusted_url, limits=LIMITS, accept=PICTURE_TYPES)
        rendition = pictures.render(fetched.body)
    except (FetchError, PictureError) as error:
        logger.info("no picture for article %s: %s", article.pk, error)
        if isinstance(error, PictureError) or error.is_final:
            Article.objects.filter(pk=article.pk, picture_url=article.picture_url).update(has_lost_picture=True)
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
