"""What a new feed already has: which of it is wanted. The rest is remembered, so that it never comes as news."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from articles.feeds import identity
from articles.feeds.parsing import ParsedItem
from articles.models import Feed, SkippedItem


class FirstImport(models.TextChoices):
    EVERYTHING = "everything", _("everything, onto the site")
    DAY = "day", _("what appeared within the last day")
    NOTHING = "nothing", _("nothing, only what comes from now on")


def unwanted(items: Iterable[ParsedItem], *, choice: FirstImport, now: datetime) -> list[ParsedItem]:
    """Of what the feed has, what the choice leaves out. An item without a date is not of the last day."""
    if choice == FirstImport.EVERYTHING:
        return []
    if choice == FirstImport.NOTHING:
        return list(items)
    yesterday = now - timedelta(days=1)
    return [item for item in items if item.published_at is None or item.published_at < yesterday]


def leave_out(feed: Feed, items: Iterable[ParsedItem], now: datetime) -> None:
    """Remember these items of the feed as known, without importing them."""
    named = ((identity.of(item), identity.title_key(item.title)) for item in items)
    rows = [
        SkippedItem(feed=feed, identity=name, title_key=title_key, skipped_at=now) for name, title_key in named if name
    ]
    SkippedItem.objects.bulk_create(rows, ignore_conflicts=True)
