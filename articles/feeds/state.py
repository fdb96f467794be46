"""What a feed's row says of how it goes: after success, after failure, and when its silence is unusual."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import IntegrityError, transaction
from django.db.models.functions import Coalesce

from articles.feeds import fetching
from articles.feeds.fetching import FetchError
from articles.feeds.parsing import ParsedFeed, ParseError
from articles.feeds.retrieving import Retrieved
from articles.models import Feed, FeedEntry

logger = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(days=1)
RHYTHM_ENTRIES = 40  # the last ones, from which a feed's rhythm is learned
RHYTHM_MINIMUM = 5  # so many gaps must be known
SHORTEST_SILENCE = timedelta(days=1)  # nobody is told of less


def note_success(feed: Feed, retrieved: Retrieved, now: datetime, *, new: int, is_complete: bool, warning: str) -> None:
    """``is_complete``: everything was imported, so that the same document needs no second look."""
    fetched = retrieved.fetched
    assert fetched is not None
    validators = fetched.validators if is_complete else fetching.Validators()
    feed.etag = validators.etag if len(validators.etag) <= 400 else ""
    feed.last_modified = validators.last_modified if len(validators.last_modified) <= 100 else ""
    feed.body_digest = retrieved.body_digest if is_complete else ""
    feed.last_polled_at = feed.last_success_at = now
    feed.failure_count, feed.last_error = 0, ""
    feed.next_poll_at = now + timedelta(minutes=feed.poll_minutes)
    changed = ["etag", "last_modified", "body_digest", "last_success_at"]
    if feed.status == Feed.Status.GONE:
        feed.status = Feed.Status.ACTIVE
        changed.append("status")
    if retrieved.parsed:
        changed += note_document(feed, retrieved.parsed, now, new=new, warning=warning)
    save(feed, *changed)
    if fetched.moved_to:
        _move(feed, fetched.moved_to)


def note_document(feed: Feed, parsed: ParsedFeed, now: datetime, *, new: int, warning: str) -> list[str]:
    """Set what a document that was imported tells about its feed. Returns the names of the fields."""
    feed.title = feed.title or parsed.title
    feed.site_url = feed.site_url or parsed.site_url
    changed = ["title", "site_url"]
    if new:
        feed.last_new_at, feed.quiet_after, feed.warning = now, quiet_after(feed, now), warning
        changed += ["last_new_at", "quiet_after", "warning"]
    return changed


def note_failure(feed: Feed, error: FetchError | ParseError, now: datetime) -> None:
    feed.last_polled_at = now
    feed.failure_count += 1
    feed.last_error = str(error)
    is_gone, asked_for = False, timedelta(0)
    if isinstance(error, FetchError):
        is_gone, asked_for = error.is_gone, fetching.pause_asked_for(error.retry_after, now=now)
    feed.next_poll_at = now + max(asked_for, pause_after(feed.failure_count, minutes=feed.poll_minutes))
    if is_gone:
        feed.status = Feed.Status.GONE
        save(feed, "status")
    else:
        save(feed)
    logger.warning("feed %s: %s failures in a row: %s", feed.pk, feed.failure_count, error)


def pause_after(failure_count: int, *, minutes: int) -> timedelta:
    """The usual interval after the first failure, twice as long after each further one, a day at most."""
    doubled = timedelta(minutes=minutes) * (1 << min(failure_count - 1, 12))
    return min(doubled, max(LONGEST_PAUSE, timedelta(minutes=minutes)))


def save(feed: Feed, *names: str) -> None:
    always = ("next_poll_at", "last_polled_at", "failure_count", "last_error")
    feed.save(update_fields=[*always, *names])


def quiet_after(feed: Feed, now: datetime) -> datetime | None:
    """When silence begins to be unusual for this feed: after twice the longest gap that it had lately."""
    latest = FeedEntry.objects.filter(feed=feed).order_by("-pk")[:RHYTHM_ENTRIES]
    moments = latest.values_list(Coalesce("article__published_at", "first_seen_at"), flat=True)
    gap = longest_gap(sorted(moments))
    return now + max(2 * gap, SHORTEST_SILENCE) if gap is not None else None


def longest_gap(moments: Sequence[datetime]) -> timedelta | None:
    """Between two of these that follow each other; None if they are too few to tell."""
    gaps = [later - earlier for earlier, later in pairwise(moments) if later > earlier]
    return max(gaps) if len(gaps) >= RHYTHM_MINIMUM else None


def _move(feed: Feed, url: str) -> None:
    """Remember a permanent redirect, unless another feed has that address or somebody changed ours meanwhile."""
    try:
        with transaction.atomic():
            is_moved = len(url) <= 1000 and Feed.objects.filter(pk=feed.pk, url=feed.url).update(url=url)
    except IntegrityError:
        return
    if is_moved:
        logger.info("feed %s moved for good", feed.pk)
        feed.url = url
