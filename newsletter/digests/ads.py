"""An offer as a mail and the web version show it: always labelled, its picture at the size at which it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from newsletter.digests.models import Offer
from newsletter.digests.prose import one_line
from newsletter.digests.stories import Picture, picture_of

PICTURE_BOX = (514, 400)  # CSS pixels


@dataclass(frozen=True)
class Ad:
    """All that a block shows of an offer. ``after`` is behind how many stories it stands; None: at the end."""

    pk: int
    label: str
    advertiser: str
    headline: str
    text: str
    url: str
    picture: Picture | None
    after: int | None = None


def ads_of(offers: Iterable[Offer]) -> tuple[Ad, ...]:
    """In the language that is active."""
    return tuple(ad_of(offer) for offer in offers)


def ad_of(offer: Offer) -> Ad:
    places = {Offer.Place.AFTER_LEAD: 1, Offer.Place.AFTER_STORIES: max(1, offer.after_stories)}
    picture = picture_of(offer.picture, alt=offer.picture_alt)
    return Ad(
        pk=offer.pk,
        label=_("Advertisement"),
        advertiser=one_line(offer.advertiser),
        headline=one_line(offer.title),
        text=one_line(offer.text),
        url=offer.url,
        picture=picture.within(PICTURE_BOX) if picture else None,
        after=places.get(Offer.Place(offer.place)),
    )
