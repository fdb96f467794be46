"""What is left to do for a campaign that was stopped for good: slice by slice, for its ledger may have a million rows.

Of one that was cancelled, whoever has not got it is skipped, so that its articles are owed again. Of one that was taken
back, all that its launch made is deleted, last the campaign itself; only then the issue can be launched again. Each
slice is a transaction of its own, and what is left stands in the database: whoever is killed in between, the next one
goes on from there, and any number of processes may do so at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Max

from newsletter.delivery import stopping
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.recipients import among
from newsletter.digests.models import Edition, EditionItem, EditionOffer, ReaderGroup

FIRST, SLICE = 2_000, 20_000  # rows: within a request, and what takes a worker well under a second
STRAGGLING = timedelta(days=30)  # far longer than any worker may hold a send, or all of them may be away


def unfinished(now: datetime) -> Iterator[Campaign]:
    """Those of which something is left to be done. Three queries, answered by an index, for each cancelled lately."""
    yield from Campaign.objects.being_taken_back()
    cancelled = Campaign.objects.filter(status=Campaign.Status.CANCELLED, finished_at__gte=now - STRAGGLING)
    for campaign in cancelled.order_by("pk"):
        if campaign.batches.free().exists() or _put_off(campaign).exists() or _unpacked(campaign).exists():
            yield campaign


def go_on(campaign: Campaign, *, clock: Callable[[], datetime], seconds: float) -> bool:
    """Go on for about so long. Whether there is more to do."""
    until = clock() + timedelta(seconds=seconds)
    is_taken_back = campaign.status == Campaign.Status.TAKEN_BACK
    while delete_some(campaign, size=SLICE) if is_taken_back else skip_some(campaign, now=clock(), size=SLICE):
        if clock() >= until or stopping.is_asked():
            return True
    return False


@transaction.atomic
def skip_some(campaign: Campaign, *, now: datetime, size: int) -> bool:
    """Skip who waits for a cancelled campaign, about so many of each kind. Whether there may be more.

    What a worker holds is settled or given back by it, and found then.
    """
    row = Campaign.objects.select_for_update().filter(pk=campaign.pk, status=Campaign.Status.CANCELLED).first()
    if row is None:
        return False
    count = _skip_packed(row, now=now, size=size) + _skip(row.sends.filter(_among(_put_off(row), size)), now=now)
    ends = _ends_of(_unpacked(row), size)
    if ends:
        _skip(row.sends.filter(pk__range=ends), now=now)
        row.packed_to = ends[1]
        row.save(update_fields=["packed_to"])
    return bool(count or ends) or _looks_for_strays(row)


def _skip_packed(campaign: Campaign, *, now: datetime, size: int) -> int:
    """What is in batches that nobody holds. Returns how many batches."""
    pks, ids = [], []
    for batch in campaign.batches.free():
        pks.append(batch.pk)
        ids.extend(batch.send_pks)
        if len(ids) >= size:
            break
    if pks:
        _skip(Send.objects.filter(among(ids)), now=now)
        campaign.batches.free().filter(pk__in=pks).delete()
    return len(pks)


def _skip(sends: models.QuerySet[Send], *, now: datetime) -> int:
    """Who may have it already is not said to be without it."""
    waiting = sends.filter(status__in=[Send.Status.QUEUED, Send.Status.DEFERRED]).order_by()
    ended = {"settled_at": now, "next_attempt_at": None}
    unknown = waiting.filter(reason=Send.Reason.UNKNOWN).update(status=Send.Status.FAILED, **ended)
    return unknown + waiting.update(status=Send.Status.SKIPPED, reason=Send.Reason.CANCELLED, **ended)


def _put_off(campaign: Campaign) -> models.QuerySet[Send]:
    """By the index of what waits for its next attempt."""
    return campaign.sends.filter(status=Send.Status.DEFERRED, next_attempt_at__isnull=False).order_by("next_attempt_at")


def _unpacked(campaign: Campaign) -> models.QuerySet[Send]:
    """What was in no batch yet; as they are skipped, ``packed_to`` moves on."""
    return campaign.sends.filter(pk__gt=campaign.packed_to).order_by("pk")


def _looks_for_strays(campaign: Campaign) -> bool:
    """Whether something slipped through; it is gone through once more then. What workers hold did not."""
    if campaign.batches.exists() or not campaign.sends.filter(status__in=Send.OPEN).exists():
        return False
    return bool(Campaign.objects.filter(pk=campaign.pk).update(packed_to=0))


def _among(sends: models.QuerySet[Send], size: int) -> Any:
    return among(list(sends.values_list("pk", flat=True)[:size]))


@transaction.atomic
def delete_some(campaign: Campaign, *, size: int) -> bool:
    """Delete a slice of what the launch of a campaign made that was taken back. Whether there is more."""
    row = Campaign.objects.being_taken_back().select_for_update().filter(pk=campaign.pk).first()
    if row is None:
        return False
    for rows in _made_by(row):
        if ends := _ends_of(rows, size):
            doomed = rows.filter(pk__range=ends).order_by()
            doomed._raw_delete(doomed.db)  # without asking for each of a million what refers to it: nothing does
            return True
    row.delete()
    return False


def _made_by(campaign: Campaign) -> Iterator[models.QuerySet[Any]]:
    """What refers to other rows comes before them."""
    editions = Edition.objects.filter(issue=campaign.issue_id)
    yield campaign.batches.all()
    yield campaign.sends.all()
    yield ReaderGroup.objects.filter(issue=campaign.issue_id)
    yield EditionItem.objects.filter(edition__in=editions.order_by())
    yield EditionOffer.objects.filter(edition__in=editions.order_by())
    yield editions


def _ends_of(rows: models.QuerySet[Any], size: int) -> tuple[int, int] | None:
    """The keys of the first and the last row of the first slice; None if there is no row.

    Both, for the planner: it takes what lies below a key for a good part of the table, and would read all of it.
    """
    ordered = rows.order_by("pk").values_list("pk", flat=True)
    first = ordered.first()
    if first is None:
        return None
    last: int = ordered[size - 1 : size].first() or rows.aggregate(last=Max("pk"))["last"]
    return first, last
