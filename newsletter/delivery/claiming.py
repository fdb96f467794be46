"""A worker's claims: a batch under a lease, kept only while the worker shows that it lives.

The lease is the fence: whoever took the batch over has another one, and a worker that wakes up too late can neither
hand over nor settle anything any more.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from newsletter.delivery import offers, packing, recipients
from newsletter.delivery.journal import Journal
from newsletter.delivery.models import Batch, Campaign, Send
from newsletter.delivery.recipients import Recipient
from newsletter.lib.bulk import prefer_indexes

LEASE = timedelta(minutes=3)
LIVELY = timedelta(seconds=30)  # who lives has renewed its lease since then, even with a server that is slow to answer


@dataclass(slots=True)
class Claim:
    """A batch that this worker alone may hand over. ``waiting``: readers, in order, that it has not drawn yet.

    ``has_waited``: they were put off or given back before, so they stand at the head of a mail domain's line.
    """

    campaign_pk: int
    batch_pk: int
    lease: str
    waiting: deque[Recipient]
    journal: Journal
    asked_at: datetime
    has_waited: bool


def claim(campaign: Campaign, *, now: datetime, with_due: bool = True) -> Claim | None:
    """Take the next batch, ask consent and suppression once more, and skip who must not be mailed. None: none left.

    ``with_due``: also of those that were put off and are due again. Raises JournalError.
    """
    found = _take(campaign, now=now, with_due=with_due)
    if found is None and packing.pack(campaign, now=now, with_due=with_due):
        found = _take(campaign, now=now, with_due=with_due)
    return found


@transaction.atomic
def renew(campaign: Campaign, claimed: Claim, *, now: datetime) -> bool:
    """Still ours, and the campaign still sending? Then consent is asked again for who has not been drawn."""
    prefer_indexes()
    if not _mine(claimed).update(lease_until=now + LEASE):
        return False
    if not Campaign.objects.sending().filter(pk=campaign.pk).exists():
        return False
    claimed.waiting = deque(_mailable(campaign, [reader.send_pk for reader in claimed.waiting], now=now))
    claimed.asked_at = now
    return True


def hold_on(claimed: Claim, *, open_count: int, now: datetime) -> bool:
    """Is the lease still ours? Then for as long again, and nobody takes it until this transaction ends.

    A batch that is done goes.
    """
    mine = _mine(claimed)
    return bool(mine.update(open_count=open_count, lease_until=now + LEASE) if open_count else mine.delete()[0])


def give_back(claimed: Claim, open_pks: Collection[int]) -> None:
    """What is open may be claimed by anybody, as if it had never been claimed.

    Who waits for a mail domain keeps that place. Nothing else stays in the batch: what was put off is packed anew when
    it is due, and must not be in two batches.
    """
    if open_pks:
        left = {"sends": ",".join(map(str, open_pks)), "open_count": len(open_pks), "has_waited": True}
        _mine(claimed).update(lease="", lease_until=None, **left)
    else:
        _mine(claimed).delete()
    claimed.journal.close()


def has_work(campaign: Campaign, *, now: datetime) -> bool:
    """Is there anything that a worker could claim now?"""
    if campaign.batches.free().exists() or campaign.sends.due(now).exists():
        return True
    return campaign.sends.filter(pk__gt=F("campaign__packed_to"), status=Send.Status.QUEUED).exists()


def others_get_on(campaign: Campaign, *, now: datetime) -> bool:
    """Does a worker that lives hold some of it? Only for who holds nothing itself."""
    return campaign.batches.held().filter(lease_until__gt=now + LEASE - LIVELY).exists()


def held_sends(campaign: Campaign) -> list[int]:
    """The ids of what workers hold."""
    return campaign.batches.held().send_pks()


def in_flight(campaign: Campaign) -> int:
    """How many sends without an outcome workers hold."""
    return sum(campaign.batches.held().values_list("open_count", flat=True))


def _mine(claimed: Claim) -> QuerySet[Batch]:
    return Batch.objects.filter(pk=claimed.batch_pk, lease=claimed.lease)


def _mailable(campaign: Campaign, pks: list[int], *, now: datetime) -> list[Recipient]:
    """Who of these may be mailed as of now; the others are skipped, with the reason."""
    answer = recipients.ask(campaign, pks)
    for reason, skipped in answer.skipped.items():
        still_open = Send.objects.filter(pk__in=skipped, status=Send.Status.QUEUED)
        still_open.update(status=Send.Status.SKIPPED, reason=reason, settled_at=now)
    return offers.respect_wishes(answer.mailable)


def _take(campaign: Campaign, *, now: datetime, with_due: bool) -> Claim | None:
    """The first free batch, now leased. Its journal stands before its lease does."""
    journals: list[Journal] = []
    try:
        with transaction.atomic():
            return _lease(campaign, journals, now=now, with_due=with_due)
    except BaseException:
        for journal in journals:
            journal.close()
        raise


def _lease(campaign: Campaign, journals: list[Journal], *, now: datetime, with_due: bool) -> Claim | None:
    """The campaign's row is locked, so that it is not cancelled at that moment."""
    prefer_indexes()
    if not list(Campaign.objects.sending().select_for_update(no_key=True).filter(pk=campaign.pk).values_list("pk")):
        return None
    free = campaign.batches.free() if with_due else campaign.batches.free().exclude(rank=Batch.Rank.PUT_OFF)
    if connection.features.has_select_for_update_skip_locked:
        free = free.select_for_update(skip_locked=True)
    batch = free.first()
    if batch is None:
        return None
    lease, pks = secrets.token_hex(16), batch.send_pks
    Batch.objects.filter(pk=batch.pk).update(lease=lease, lease_until=now + LEASE)
    waiting = deque(_mailable(campaign, pks, now=now))
    journals.append(Journal(lease, pks))
    has_waited = batch.has_waited or batch.rank == Batch.Rank.PUT_OFF
    return Claim(campaign.pk, batch.pk, lease, waiting, journals[0], now, has_waited)
