"""Offers on their way: only to those who ask for offers until the moment of hand-over, and to no more than agreed.

What counts against an offer's ceiling is what holds its reader's mail: accepted, on its way, or given up without
knowing what the server did. Launching reserves, one launch at a time, so the ceiling is not exceeded by a single mail;
what fails or is skipped is given back to later issues.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Cast, Mod

from newsletter.delivery.audience import takes_offers
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.recipients import Recipient, among
from newsletter.digests import carrying
from newsletter.digests.assembly import without_offers
from newsletter.digests.models import Edition, EditionOffer, Issue, IssueOffer, Offer
from newsletter.subscribers.models import Subscriber

SETTLING = timedelta(days=1)  # what a worker held when a campaign ended is settled long before
STEP, SHIFT, SPAN = 7_919, 104_729, 1_000_003  # primes: whom a ceiling leaves out differs from issue to issue


def carried(issue: Issue, *, now: datetime) -> list[Offer]:
    """What the issue carries, after a look into the ledger at what is used up. In the transaction that launches it."""
    running = list(Offer.objects.running(carrying.local_day(issue, now)))
    if not running:
        return []
    recount([offer for offer in running if offer.ceiling is not None], now=now)
    return carrying.offers_of(issue, now=now)


def last_send(campaign: Campaign) -> int:
    """Where the ledger ends before a wave extends it."""
    return campaign.sends.order_by("-pk").values_list("pk", flat=True).first() or 0


def keep_ceilings(
    campaign: Campaign, offers: Iterable[Offer], *, after: int, portion: Fraction = Fraction(1), now: datetime
) -> None:
    """Take an offer out of as many mails as would exceed its ceiling: of those put into the ledger ``after`` that id.

    They were written in this transaction, so no worker holds one. ``portion``: how much of the readers these are, so
    that the first ones do not use up what is left for all. ``offers`` are as ``carried`` gave them.
    """
    for offer in offers:
        if offer.ceiling is None:
            continue
        left = max(0, offer.ceiling - offer.shown_count)
        most = offer.shown_count + math.ceil(left * portion)
        recount([offer], now=now)
        if (excess := offer.shown_count - most) > 0:
            _take_out(campaign.sends.filter(pk__gt=after), campaign, offer, excess)
            recount([offer], now=now)


def recount(offers: Iterable[Offer], *, now: datetime) -> None:
    """Bring ``shown_count`` up to date, issue by issue; what cannot change any more is not counted again."""
    offers = list(offers)
    for row in _moving(now).filter(offer__in=offers).select_related("issue__campaign"):
        shown = _shown(row)
        IssueOffer.objects.filter(pk=row.pk).update(shown_count=shown, counted_at=now)
    _sum_up(offers)


def forget(issue: Issue) -> None:
    """It was taken back, and nobody gets what it carried: that is free for other issues at once."""
    carried = list(Offer.objects.filter(carriers__issue=issue))
    issue.carried_offers.all().delete()
    _sum_up(carried)


def _sum_up(offers: Sequence[Offer]) -> None:
    """What was counted in each issue is what an offer was shown in all."""
    sums = IssueOffer.objects.filter(offer__in=offers).order_by().values_list("offer").annotate(sum=Sum("shown_count"))
    shown_by_offer = dict(sums)
    for offer in offers:
        shown = shown_by_offer.get(offer.pk, 0)
        if offer.shown_count != shown:
            offer.shown_count = shown
            Offer.objects.filter(pk=offer.pk).update(shown_count=shown)


def recount_moving(*, now: datetime) -> int:
    """For the sweep, so that the desk's figures follow the ledger. Returns of how many offers."""
    offers = list(Offer.objects.filter(pk__in=_moving(now).order_by().values("offer")))
    recount(offers, now=now)
    return len(offers)


def respect_wishes(readers: Sequence[Recipient]) -> list[Recipient]:
    """Who has left the newsletters of offers meanwhile gets the same mail without. One query where none is in."""
    editions = {reader.edition_id for reader in readers}
    with_offers = set(EditionOffer.objects.filter(edition__in=editions).values_list("edition_id", flat=True))
    concerned = [reader for reader in readers if reader.edition_id in with_offers]
    if not concerned:
        return list(readers)
    people = Subscriber.objects.filter(takes_offers(OuterRef("pk")), pk__in={each.subscriber_id for each in concerned})
    asking = set(people.values_list("pk", flat=True))
    leavers: dict[int, list[int]] = {}
    for reader in concerned:
        if reader.subscriber_id not in asking:
            leavers.setdefault(reader.edition_id, []).append(reader.send_pk)
    instead: dict[int, int] = {}
    for edition in Edition.objects.filter(pk__in=leavers).select_related("issue").order_by("pk"):
        plain, pks = without_offers(edition), leavers[edition.pk]
        Send.objects.filter(pk__in=pks).update(edition=plain)
        instead.update(dict.fromkeys(pks, plain))
    return [reader._replace(edition_id=instead.get(reader.send_pk, reader.edition_id)) for reader in readers]


def _moving(now: datetime) -> QuerySet[IssueOffer]:
    """Where the count may still change."""
    settled = Q(issue__campaign__finished_at__lt=now - SETTLING)
    is_counted = Q(counted_at__gt=F("issue__campaign__finished_at") + SETTLING)
    return IssueOffer.objects.filter(issue__campaign__isnull=False).exclude(settled & is_counted).order_by("pk")


def _shown(row: IssueOffer) -> int:
    """In how many mails of the issue the offer is. Two queries.

    The ledger is summed up by edition, and then it is looked which editions have the offer: asked for both at once,
    PostgreSQL may read the ledger anew for each edition.
    """
    editions = EditionOffer.objects.filter(offer=row.offer_id, edition__issue=row.issue_id).order_by()
    with_offer = set(editions.values_list("edition", flat=True))
    if not with_offer:
        return 0
    holds = Q(status__in=[Send.Status.SENT, *Send.OPEN]) | Q(status=Send.Status.FAILED, reason=Send.Reason.UNKNOWN)
    mails = Send.objects.filter(holds, campaign=row.issue.campaign).order_by()
    counts = mails.values_list("edition").annotate(count=Count("pk"))
    return sum(count for edition, count in counts if edition in with_offer)


def _take_out(sends: QuerySet[Send], campaign: Campaign, offer: Offer, excess: int) -> None:
    """From all editions in proportion; within each from readers who are others in every issue."""
    mixed = Mod(Cast("subscriber_id", BigIntegerField()) * STEP + campaign.pk * SHIFT, SPAN)
    carrying_it = sends.filter(status__in=Send.OPEN, edition__offers=offer)
    by_edition: dict[int, list[int]] = {}  # in one reading of the slice: the ledger has no index by editions
    for pk, edition_pk in carrying_it.order_by(mixed, "pk").values_list("pk", "edition_id"):
        by_edition.setdefault(edition_pk, []).append(pk)
    total = sum(map(len, by_edition.values()))
    for edition in Edition.objects.filter(pk__in=by_edition).select_related("issue").order_by("pk"):
        theirs = by_edition[edition.pk]
        share = -(-excess * len(theirs) // total)
        total -= len(theirs)
        excess -= share
        plain = without_offers(edition, unwanted=[offer.pk])
        Send.objects.filter(among(theirs[:share])).update(edition=plain)
        if not excess:
            break
