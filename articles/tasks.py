"""The doorbells of the articles: what is due is in the database."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from articles.feeds import importing

RING_SECONDS = 60  # a ring that waited longer is dropped; beat rings again


@shared_task
def poll_due_feeds() -> None:
    for feed_id in importing.due_feed_ids(timezone.now()):
        poll_feed.apply_async(kwargs={"feed_id": feed_id}, expires=RING_SECONDS)


@shared_task
def poll_feed(*, feed_id: int) -> None:
    importing.poll_if_due(feed_id=feed_id, now=timezone.now())
