"""Filling the ledger slice by slice, so that the first mails leave while most readers are still to be looked at.

A wave is those readers whose turn it is (at the launch, or at their own hour), in the order of their ids. Each slice of
it is a transaction of its own under the lock of launches, and ``Campaign.filled_to`` is the reader up to whom the
ledger is made: whoever is killed in between, the next one goes on from there. Everything is asked as of the moment at
which the wave began; who joined later is not in it, who left meanwhile is not either, and what was withdrawn meanwhile
is in none of the editions to come.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from fractions import Fraction

from django.db import connection

from newsletter.delivery import audience, capping, offers, waves
from newsletter.delivery.having import JOINED_AT
from newsletter.delivery.models import Campaign
from newsletter.digests import telling
from newsletter.digests.assembly import assemble, candidates, plan
from newsletter.digests.models import Offer
from newsletter.digests.selection import Candidate

FIRST, SLICE = 2_000, 100_000  # readers: what is quick, and what a machine of two cores makes in less than AIM
SMALLEST, LARGEST = 50_000, 200_000
LOOK_SECONDS = 0.1  # as long as SQLite's busy handler sleeps at most
AIM = timedelta(seconds=2)  # for so long a slice shall hold up other launches: an alert waits for one


class StoppedError(Exception):
    """The campaign was paused or cancelled, or somebody else filled in, at this moment."""


def count_audience(campaign: Campaign) -> int:
    """How many readers the wave that has just begun is for."""
    return whose_turn(campaign).count()


def extend(campaign: Campaign, *, carried: Sequence[Offer] | None = None, size: int | None = None) -> bool:
    """Put the next readers of the present wave into the ledger. False if none of them gets an edition that is new.

    Only in a transaction that holds launches off, with ``campaign`` as it is in the database. ``carried``: the issue's
    offers, if somebody asked the ledger already. Raises StoppedError.
    """
    began_at = campaign.dated_at
    to = _end_of_slice(campaign, size or SLICE)
    carried = offers.carried(campaign.issue, now=began_at) if carried is None else carried
    last_send = offers.last_send(campaign)
    with _planned(campaign, carried, to=to) as has_editions:
        count = audience.write_ledger(campaign)
    left = campaign.audience_count - campaign.filled_count
    portion = Fraction(1) if to is None else Fraction(count, max(count, left, 1))
    offers.keep_ceilings(campaign, carried, after=last_send, portion=portion, now=began_at)
    if to is None or not campaign.filled_to:
        telling.note(campaign.issue)
    if not campaign.note_filled(to=to, count=count):
        raise StoppedError
    if to is None and waves.has_waves(campaign.issue):
        _await_next_wave(campaign)
    return has_editions


def next_size(size: int, *, took: timedelta) -> int:
    """How many readers to take next, after a slice of ``size``: as many as this machine makes in AIM, at this hour.

    Within bounds: a slice costs something whatever its size, so on a busy machine small ones would never come to an
    end.
    """
    fitting = int(size * (AIM / took)) if took else LARGEST
    return max(SMALLEST, min(fitting, LARGEST))


def give_way() -> None:
    """Let those write who waited for the end of a slice: PostgreSQL queues them, at SQLite each looks now and then."""
    if connection.vendor == "sqlite":
        time.sleep(LOOK_SECONDS)


def anybody(campaign: Campaign, carried: Sequence[Offer]) -> bool:
    """Whether any of those who are still to be filled in gets something. Their editions are made then."""
    with _planned(campaign, carried, to=None) as has_editions:
        return has_editions


def whose_turn(campaign: Campaign) -> waves.Audience:
    """The readers of the present wave who are still to come, of all those whom the issue is for."""
    issue, began_at = campaign.issue, campaign.dated_at
    readers = audience.readers(issue).filter(subscriber__gt=campaign.filled_to or 0)
    if campaign.filled_to:
        readers = readers.alias(joined_at=JOINED_AT).filter(joined_at__lte=began_at)
    if campaign.last_wave_at:
        readers = waves.unserved(campaign, readers)
    return waves.of_their_hour(issue, readers, now=began_at)


def _end_of_slice(campaign: Campaign, size: int) -> int | None:
    """The id of the slice's last reader; None if all that are left fit into it."""
    ordered = whose_turn(campaign).order_by("subscriber_id").values_list("subscriber_id", flat=True)
    last = list(ordered[size - 1 : size + 1])
    return last[0] if len(last) > 1 else None


@contextmanager
def _planned(campaign: Campaign, carried: Sequence[Offer], *, to: int | None) -> Iterator[bool]:
    """The audience up to this reader, frozen, its editions made. The value: whether there are any that are new."""
    issue, after, began_at = campaign.issue, campaign.filled_to or 0, campaign.dated_at
    readers = whose_turn(campaign)
    share = audience.Share(
        readers if to is None else readers.filter(subscriber__lte=to),
        after=after,
        to=to,
        fed_up=capping.fed_up(issue, now=began_at, after=after, to=to),
        has_offers=bool(carried),
    )
    offered = candidates(issue, now=began_at)
    with audience.audience(issue, offered=offered, share=share):
        yield _plan(campaign, offered, carried)


def _plan(campaign: Campaign, offered: Sequence[Candidate], carried: Sequence[Offer]) -> bool:
    """What the groups of this slice get. Groups of earlier slices are known, unless the articles or offers changed."""
    issue, key = campaign.issue, _plan_key(offered, carried)
    if campaign.plan_key != key:  # what their bits stand for is another thing now; the ledger tells the rest
        issue.reader_groups.all().delete()
    campaign.plan_key = key
    new = audience.new_groups(issue)
    return assemble(plan(issue, new, offered=offered, offers=[offer.pk for offer in carried]))


def _plan_key(offered: Sequence[Candidate], carried: Sequence[Offer]) -> str:
    told = [*(repr(candidate) for candidate in offered), *(f"offer {offer.pk}" for offer in carried)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _await_next_wave(campaign: Campaign) -> None:
    """Whose hour comes later; who moved their hour to a moment that is over while the ledger was made comes at once."""
    left = waves.unserved(campaign, audience.readers(campaign.issue))
    timetable = waves.timetable(campaign.issue, left, now=campaign.dated_at)
    next_at = campaign.dated_at if timetable.due else timetable.next_at
    campaign.await_wave(next_at, timetable.coming_count)
