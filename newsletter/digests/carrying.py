"""Which offers an issue carries: one at each place, by turns, and only beside something to read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db.models import Count

from newsletter.digests.models import Issue, IssueOffer, Offer
from newsletter.digests.rotation import whose_turn

PLACES = [Offer.Place.AFTER_LEAD, Offer.Place.AFTER_STORIES, Offer.Place.END]


def offers_of(issue: Issue, *, now: datetime) -> list[Offer]:
    """What the issue carries, in the order of the places: settled when it was launched, or whose turn it would be now.

    Never what is over, stopped or used up by now. Breaking news and corrections carry none. At most 4 queries.
    """
    if issue.is_alert or issue.correction_id:
        return []
    showable = {offer.pk: offer for offer in Offer.objects.showable(local_day(issue, now))}
    if not showable:
        return []
    if issue.launched_at:
        settled = issue.carried_offers.order_by("pk").values_list("offer_id", flat=True)
        return [showable[pk] for pk in settled if pk in showable]
    booked = set(issue.newsletter.offers.filter(pk__in=showable).values_list("pk", flat=True))
    return _by_turns(issue, [offer for pk, offer in showable.items() if pk in booked])


def settle(issue: Issue, offers: Iterable[Offer]) -> None:
    """Note that the issue, being launched, carries these: it was their turn."""
    IssueOffer.objects.bulk_create([IssueOffer(issue=issue, offer=offer, place=offer.place) for offer in offers])


def local_day(issue: Issue, now: datetime) -> date:
    """The date where the newsletter is at home: offers are booked by it."""
    return now.astimezone(ZoneInfo(issue.newsletter.time_zone)).date()


def _by_turns(issue: Issue, booked: Sequence[Offer]) -> list[Offer]:
    rivals: dict[str, list[Offer]] = defaultdict(list)
    for offer in booked:
        rivals[offer.place].append(offer)
    return [_next(issue, rivals[place]) for place in PLACES if place in rivals]


def _next(issue: Issue, rivals: Sequence[Offer]) -> Offer:
    if len(rivals) == 1:
        return rivals[0]
    by_pk = {offer.pk: offer for offer in rivals}
    return by_pk[whose_turn({pk: offer.weight for pk, offer in by_pk.items()}, _turns(issue, rivals))]


def _turns(issue: Issue, rivals: Sequence[Offer]) -> Mapping[int, int]:
    """How many of the newsletter's issues carried each at this place since the last of them came."""
    first_day = max(offer.starts_on for offer in rivals)
    since = datetime.combine(first_day, time.min, tzinfo=ZoneInfo(issue.newsletter.time_zone))
    carried = IssueOffer.objects.filter(
        issue__newsletter=issue.newsletter_id, place=rivals[0].place, offer__in=rivals, issue__launched_at__gte=since
    )
    counted = carried.exclude(issue=issue.pk).order_by().values_list("offer").annotate(count=Count("pk"))
    return Counter(dict(counted))
