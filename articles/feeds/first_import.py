"""What a new feed already has: which of it is wanted. The rest is remembered, so that it never comes as news."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from articles.feeds import identity
from articles.models import Feed, SkippedItem


class FirstImport(models.TextChoices):
    EVERYTHING = "everything", _("everything, onto the site")
    DAY = "day", _("what appeared within the last day")
    NOTHING = "nothing", _("nothing, only what comes from now on")


def is_wanted(published_at: datetime | None, *, choice: FirstImport, now: datetime) -> bool:
    """Whether the choice takes an item of this date. One without a date is not of the last day."""
    if choice == FirstImport.DAY:
        return published_at is not None and published_at >= now - timedelta(days=1)
    return choice == FirstImport.EVERYTHING


def leave_out(feed: Feed, items: Iterable[tuple[str, str]], now: datetime) -> None:
    """Remember these items of the feed (identity and title) as known, without importing them."""
    rows = [
        SkippedItem(feed=feed, identity=name, title_key=identity.title_key(title), skipped_at=now)
        for name, title in items
        if name
    ]
    SkippedItem.objects.bulk_create(rows, ignore_conflicts=True)
