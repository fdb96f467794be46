"""The doorbells of the articles: what is due is in the database."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from articles.archives import running as archives
from articles.feeds import completing, polling, pushing
from articles.feeds.importing import PollReport
from articles.writing import autosaving


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
        fetch_pictures.apply_async(kwargs={"feed_id": feed_id})


@shared_task
def fetch_pictures(*, feed_id: int) -> None:
    polling.fetch_pictures(feed_id=feed_id, now=timezone.now())


@shared_task
def fetch_changed_picture(*, article_id: int) -> None:
    polling.fetch_changed_picture(article_id=article_id)


def ring_for_pictures(report: PollReport) -> None:
    if report.new:
        fetch_pictures.apply_async(kwargs={"feed_id": report.feed_id})
    for article_id in report.wanted_pictures:
        fetch_changed_picture.apply_async(kwargs={"article_id": article_id})


@shared_task
def complete_articles() -> None:
    completing.complete_due(timezone.now())


@shared_task
def go_on_with_archive(*, archive_id: int) -> None:
    if archives.advance(archive_id=archive_id, clock=timezone.now):
        go_on_with_archive.apply_async(kwargs={"archive_id": archive_id})


@shared_task
def forget_unsaved() -> None:
    autosaving.forget(now=timezone.now())


@shared_task
def sweep_archives() -> None:
    for archive_id in archives.abandoned(timezone.now()):
        go_on_with_archive.apply_async(kwargs={"archive_id": archive_id})
