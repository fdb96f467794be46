"""One request at a time to each machine that feeds come from, over all workers, with a pause in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from articles.models import FeedHost

PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(hours=1)  # that a server can ask for all its feeds; each feed by itself may wait longer
FORGOTTEN_AFTER = timedelta(days=7)


def host_of(url: str) -> str:
    return urlsplit(url).netloc.lower()[:260]


def claim(name: str, *, now: datetime, until: datetime) -> bool:
    """Take this machine until then. Of several workers exactly one gets True."""
    if FeedHost.objects.filter(name=name, free_at__lte=now).update(free_at=until):
        return True
    if FeedHost.objects.filter(name=name).exists():
        return False
    FeedHost.objects.filter(free_at__lt=now - FORGOTTEN_AFTER).delete()
    try:
        with transaction.atomic():
            FeedHost.objects.create(name=name, free_at=until)
    except IntegrityError:
        return False
    return True


def release(name: str, *, at: datetime) -> None:
    FeedHost.objects.filter(name=name).update(free_at=at)
