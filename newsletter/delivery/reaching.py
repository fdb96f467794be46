"""Whom a mail with a correction would reach, for a page: counted at once where few mails carried what was wrong; else a
worker counts, and the page shows what it found, or that it is still counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from newsletter.delivery import corrections
from newsletter.delivery.corrections import Reach
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Correction
from newsletter.subscribers.models import Newsletter, StoredCount

MOST_COUNTED = 30_000  # mails: in well under a second
MAX_AGE = timedelta(minutes=5)
RECENT, MOST = timedelta(days=1), 10
JUST_NOW = timedelta(seconds=30)  # a page that is opened several times rings several times


def reaches(correction: Correction) -> list[Reach]:
    """The newsletters by which it went out, with whom a mail would reach. Nobody is counted twice."""
    return list(corrections.reaches(correction)) if is_quick(correction) else _stored(correction)


def _stored(correction: Correction) -> list[Reach]:
    newsletters = list(corrections.newsletters(correction))
    stored = StoredCount.objects.named([_name(correction, each) for each in newsletters])
    rows = [(each, stored.get(_name(correction, each))) for each in newsletters]
    return [Reach(each, row.count, row.counted_at) if row else Reach(each, None) for each, row in rows]


def is_quick(correction: Correction) -> bool:
    """Whether so few mails carried it that a page can count, and none of them is in the archive. Three queries."""
    carriers = Campaign.objects.filter(issue__in=corrections.issues(correction)).order_by()
    archived = dict(carriers.values_list("pk", "archived_to"))
    sends = Send.objects.filter(campaign__in=list(archived)).order_by()
    if any(archived.values()) or sends[: MOST_COUNTED + 1].count() > MOST_COUNTED:
        return False
    return corrections.welcomed(correction)[: MOST_COUNTED + 1].count() <= MOST_COUNTED


def is_due(found: Iterable[Reach], *, now: datetime) -> bool:
    """Whether a worker should count: what it counted is missing, or old."""
    return any(each.count is None or (each.at is not None and each.at < now - MAX_AGE) for each in found)


def count(correction: Correction, *, now: datetime) -> None:
    """Count for the pages to come, unless it was done a moment ago. Reads every mail that carried it: for a worker."""
    names = [_name(correction, each) for each in corrections.newsletters(correction)]
    stored = StoredCount.objects.named(names)
    if any(name not in stored or stored[name].counted_at < now - JUST_NOW for name in names):
        found = {_name(correction, reach.newsletter): reach.count or 0 for reach in corrections.reaches(correction)}
        StoredCount.objects.store(found, now=now)


def recount(*, now: datetime) -> int:
    """Count what is still missing of the last day's corrections, for nobody heard the bell. Returns of how many."""
    recent = Correction.objects.filter(at__gt=now - RECENT).order_by("-pk")[:MOST]
    missing = [each for each in recent if not is_quick(each) and any(reach.count is None for reach in _stored(each))]
    for correction in missing:
        count(correction, now=now)
    return len(missing)


def _name(correction: Correction, newsletter: Newsletter) -> str:
    return f"correction:{correction.pk}:{newsletter.pk}"
