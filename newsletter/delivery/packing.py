"""From the ledger to batches: which sends a worker will take together.

Sends that were never tried are packed by the hundred thousand, in the order of their editions, so that a worker meets
one edition after the other; the first of a campaign in a small and quick lot. What was put off is packed when it is due
again. That a send is packed stands nowhere but in its batch and in ``Campaign.packed_to``: ``pack_strays`` finds what
slipped through, before a campaign may end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber

from newsletter.delivery.models import Batch, Campaign, Send
from newsletter.delivery.recipients import among

BATCH_SIZE = 2_000
SMALLEST = 50
SHARES = 16  # batches that a small lot is cut into, so that several workers find something
FIRST_LOT, LOT = 4_000, 100_000
PUT_OFF_SIZE = 500


def pack(campaign: Campaign, *, now: datetime, with_due: bool = True) -> bool:
    """Make batches of what has none: False if there is nothing to be packed now. Safe in several processes at once."""
    has_due, has_fresh = with_due and pack_due(campaign, now=now), _pack_fresh(campaign)
    return has_due or has_fresh


def pack_due(campaign: Campaign, *, now: datetime) -> bool:
    """What was put off and is due again, at most PUT_OFF_SIZE: they are not kept waiting for a million others."""
    due = campaign.sends.due(now).order_by("next_attempt_at", "pk")
    if not due.exists():
        return False
    with transaction.atomic():
        _lock(campaign)
        rows = list(due.values_list("pk", "reason")[:PUT_OFF_SIZE])
        queue_again(campaign, [pk for pk, reason in rows if reason != Send.Reason.UNKNOWN])
        queue_again(campaign, [pk for pk, reason in rows if reason == Send.Reason.UNKNOWN], alone=True)
    return bool(rows)


@transaction.atomic
def queue_again(campaign: Campaign, pks: Sequence[int], *, alone: bool = False) -> None:
    """Have these deferred sends sent now, in a batch that goes before the others, or each in its own."""
    packed_to = _lock(campaign)
    Send.objects.filter(among(pks)).update(status=Send.Status.QUEUED, next_attempt_at=None)
    again = [pk for pk in pks if pk <= packed_to]  # the others are packed with what is new
    if alone:
        add_suspects(campaign, again)
    else:
        add(campaign, again, rank=Batch.Rank.PUT_OFF)


def pack_strays(campaign: Campaign) -> bool:
    """Have everything that is queued packed anew. Only while the campaign has no batch; False if nothing is queued.

    That nothing is takes reading its whole ledger, so nobody is locked out meanwhile.
    """
    if campaign.batches.exists() or not campaign.sends.filter(status=Send.Status.QUEUED).exists():
        return False
    with transaction.atomic():
        _lock(campaign)
        if campaign.batches.exists():
            return False
        return bool(Campaign.objects.filter(pk=campaign.pk).update(packed_to=0))


def add(campaign: Campaign, pks: Iterable[int], *, rank: Batch.Rank) -> None:
    """One free batch of these sends, if there are any."""
    if pks := list(pks):
        Batch.objects.create(campaign=campaign, rank=rank, sends=",".join(map(str, pks)), open_count=len(pks))


def add_suspects(campaign: Campaign, pks: Iterable[int]) -> None:
    """Each alone: one that kills its worker takes no other with it."""
    suspects = Batch.Rank.SUSPECT
    Batch.objects.bulk_create(Batch(campaign=campaign, rank=suspects, sends=str(pk), open_count=1) for pk in pks)


def _lock(campaign: Campaign) -> int:
    """Up to which send it is packed; 0 of one that was taken back meanwhile, which has no sends.

    Nobody else packs until the transaction ends: no send may be in two batches.
    """
    locked = Campaign.objects.select_for_update(no_key=True).filter(pk=campaign.pk)
    return locked.values_list("packed_to", flat=True).first() or 0


@transaction.atomic
def _pack_fresh(campaign: Campaign) -> bool:
    """The next lot of sends that were never tried."""
    packed_to = _lock(campaign)
    new = campaign.sends.filter(pk__gt=packed_to).order_by("pk").values_list("pk", flat=True)
    size = LOT if packed_to else FIRST_LOT
    last = new[size - 1 : size].first() or campaign.sends.order_by("-pk").values_list("pk", flat=True).first()
    if last is None or last <= packed_to:
        return False
    fresh = campaign.sends.filter(pk__gt=packed_to, pk__lte=last, status=Send.Status.QUEUED)
    _insert_batches(campaign, fresh.exclude(reason=Send.Reason.UNKNOWN))
    add_suspects(campaign, fresh.filter(reason=Send.Reason.UNKNOWN).order_by("pk").values_list("pk", flat=True))
    Campaign.objects.filter(pk=campaign.pk).update(packed_to=last)
    return True


def _insert_batches(campaign: Campaign, sends: QuerySet[Send]) -> None:
    """Batches of these sends, by the database alone."""
    size = min(max(sends.count() // SHARES, SMALLEST), BATCH_SIZE)
    place = Window(RowNumber(), order_by=["edition_id", "pk"])
    sql, params = sends.order_by().annotate(place=place).values("id", "place").query.sql_with_params()
    ids = "string_agg(CAST(id AS text), ',')" if connection.vendor == "postgresql" else "group_concat(id)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {Batch._meta.db_table} (campaign_id, rank, sends, open_count, lease)
            SELECT %s, %s, {ids}, COUNT(*), ''
            FROM ({sql}) AS placed GROUP BY (place - 1) / %s ORDER BY (place - 1) / %s
            """,  # noqa: S608 - the ORM's select and names of our own
            [campaign.pk, Batch.Rank.FRESH, *params, size, size],
        )
