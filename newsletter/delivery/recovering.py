"""After a worker died: what its journal says was accepted is settled, what was under way is tried once more, alone.

A journal without a living owner is read at once, on its own host. A lease that has run out is taken over anywhere: with
the journal if it lies here, else with everything that is open in the batch under suspicion.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from newsletter.delivery import journal, outcome_rows, packing, tallies
from newsletter.delivery.journal import Mark, Page
from newsletter.delivery.models import Batch, BatchQuerySet, Campaign, Send
from newsletter.delivery.outcome_rows import Row
from newsletter.delivery.outcomes import Fate
from newsletter.delivery.recipients import among
from newsletter.delivery.throttle.groups import group_of

logger = logging.getLogger(__name__)

REPEATS = 1  # of what the journal says was under way; a second lost answer ends it
REPEATS_HELD = 5  # of what had certainly not been handed over; something in it may kill every worker
REPEATS_AT_MOST = 2  # without a journal most of a batch was not even begun: it must not be given up as soon as that


def recover_abandoned(*, now: datetime) -> int:
    """Have the sends of workers that are gone sent by others; give up what too many workers died of.

    Returns how many wait again.
    """
    count = recover_left_behind(now=now)
    for lease in Batch.objects.expired(now).values_list("lease", flat=True):
        count += _take_over(Batch.objects.expired(now).filter(lease=lease), journal.page_of(lease), now=now)
    return count


def recover_left_behind(*, now: datetime) -> int:
    """The same at once for workers that died on this host. Returns how many sends wait again."""
    pages = journal.left_behind()
    return sum(_take_over(Batch.objects.held().filter(lease=page.lease), page, now=now) for page in pages)


@transaction.atomic
def _take_over(batches: BatchQuerySet, page: Page, *, now: datetime) -> int:
    """Break the lease and sort what the batch held."""
    batch = batches.select_for_update().first()
    if batch is None:  # somebody else did, or the worker still had the time to give it back
        return 0
    held = batch.send_pks
    _settle_accepted(batch.campaign_id, page, now=now)
    open_ones = set(Send.objects.filter(among(held), status=Send.Status.QUEUED).values_list("pk", flat=True))
    open_ones -= set(batch.campaign.batches.packed_again().exclude(pk=batch.pk).send_pks())
    drawn = open_ones if page.marks is None else open_ones & set(page.marked(Mark.DRAWN))
    held_back = open_ones & set(page.marked(Mark.HELD))
    suspects = _suspect(drawn, repeats=REPEATS if page.marks is not None else REPEATS_AT_MOST, now=now)
    suspects |= _suspect(held_back, repeats=REPEATS_HELD, now=now)
    untouched = open_ones - drawn - held_back
    logger.warning("campaign %s: a worker died, %s sends may be repeated", batch.campaign_id, len(suspects))
    if suspects and batch.rank == Batch.Rank.SUSPECT:  # the same one again until it is settled
        batches.update(lease="", lease_until=None)
    else:
        batch.delete()
        packing.add_suspects(batch.campaign, sorted(suspects))
        packing.add(batch.campaign, sorted(untouched), rank=Batch.Rank(batch.rank))
    return len(suspects | untouched)


def _settle_accepted(campaign_pk: int, page: Page, *, now: datetime) -> None:
    response = _("accepted, as the worker wrote down before it died")
    accepted = [Row(pk, Send.Status.SENT, "", response, attempts=1) for pk in page.marked(Mark.ACCEPTED)]
    if not accepted:
        return
    open_ones = Send.objects.filter(among([row.send_pk for row in accepted]), status=Send.Status.QUEUED)
    found = list(open_ones.values_list("subscriber__email", "reason"))
    outcome_rows.write(accepted, now=now)
    tallies.add(campaign_pk, [(group_of(email or ""), Fate.ACCEPTED) for email, _reason in found], now=now)
    if repeats := sum(reason == Send.Reason.UNKNOWN for _email, reason in found):
        Campaign(pk=campaign_pk).note_repeats(repeats)


def _suspect(pks: set[int], *, repeats: int, now: datetime) -> set[int]:
    """Mark sends whose outcome nobody knows; the ids of those that are tried again."""
    drawn = Send.objects.filter(among(pks), status=Send.Status.QUEUED)
    hopeless = drawn.filter(reason=Send.Reason.UNKNOWN, attempt_count__gte=repeats)
    given_up = hopeless.update(status=Send.Status.FAILED, settled_at=now, attempt_count=F("attempt_count") + 1)
    if given_up:
        logger.warning("%s sends were with a worker that died, for the last time", given_up)
    drawn.update(reason=Send.Reason.UNKNOWN, attempt_count=F("attempt_count") + 1)
    return set(drawn.values_list("pk", flat=True))
