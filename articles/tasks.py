"""The doorbells of the articles: what is due is in the database."""

from __future__ import annotations

import logging
from typing import Any

from celery import Task, shared_task
from celery.exceptions import OperationalError
from django.utils import timezone

from articles.archives import running as archives
from articles.feeds import completing, polling, pushing
from articles.feeds.importing import PollReport
from articles.writing import autosaving

logger = logging.getLogger(__name__)


@shared_task
def poll_due_feeds() -> None:
    for report in polling.poll_due(timezone.now()):
        ring_for_pictures(report)


@shared_task
def ask_hubs() -> None:
    pushing.ask_hubs(timezone.now())


@shared_task
def import_deliveries() -> None:
    for report in pushing.import_deliveries(timezone.now()):
        ring_for_pictures(report)


@shared_task
def fetch_awaited_pictures() -> None:
    for feed_id in polling.feeds_awaiting_pictures(timezone.now()):
        _ring(fetch_pictures, feed_id=feed_id)


@shared_task
def fetch_pictures(*, feed_id: int) -> None:
    polling.fetch_pictures(feed_id=feed_id, now=timezone.now())


@shared_task
def fetch_changed_picture(*, article_id: int) -> None:
    polling.fetch_changed_picture(article_id=article_id)


def ring_for_pictures(report: PollReport) -> None:
    if report.new:
        _ring(fetch_pictures, feed_id=report.feed_id)
    for article_id in report.wanted_pictures:
        _ring(fetch_changed_picture, article_id=article_id)


@shared_task
def complete_articles() -> None:
    completing.complete_due(timezone.now())


@shared_task
def go_on_with_archive(*, archive_id: int) -> None:
    if archives.advance(archive_id=archive_id, clock=timezone.now):
        _ring(go_on_with_archive, archive_id=archive_id)


@shared_task
def forget_unsaved() -> None:
    autosaving.forget(now=timezone.now())


@shared_task
def sweep_archives() -> None:
    for archive_id in archives.abandoned(timezone.now()):
        _ring(go_on_with_archive, archive_id=archive_id)


def _ring(task: Task[..., None], **kwargs: Any) -> None:
    """Ask a worker for more. A broker that is away stops nothing that is under way here: a sweep finds the rest."""
    try:
        task.apply_async(kwargs=kwargs, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("The broker does not answer (%s); %s waits for the sweep.", type(error).__name__, task.name)
