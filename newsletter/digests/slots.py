"""The calendar of slots: which offers are booked where on each day of a month, and what is still free."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Prefetch

from newsletter.digests import scheduling
from newsletter.digests.carrying import PLACES
from newsletter.digests.models import Offer, Schedule
from newsletter.subscribers.models import Cadence, Newsletter


@dataclass(frozen=True)
class Booking:
    """An offer on a day. ``share`` is how much of the place's turns are its, in per cent."""

    offer: Offer
    share: int

    @property
    def is_contested(self) -> bool:
        return self.share < 100


@dataclass(frozen=True)
class Day:
    """``has_mail``: an issue is planned for that day by some schedule; without any schedule all days count."""

    day: date
    has_mail: bool
    bookings: tuple[Booking, ...]
    free: tuple[Offer.Place, ...]

    @property
    def has_conflict(self) -> bool:
        return any(booking.is_contested for booking in self.bookings)


@dataclass(frozen=True)
class Month:
    """A newsletter's days."""

    newsletter: Newsletter
    days: tuple[Day, ...]


def months(first: date) -> list[Month]:
    """The month that begins at ``first``, for every newsletter, in the site's order. Three queries."""
    days = days_of(first)
    booked = Offer.objects.filter(starts_on__lte=days[-1], ends_on__gte=days[0], is_stopped=False)
    schedules = Schedule.objects.filter(is_active=True).order_by("pk")
    newsletters = Newsletter.objects.order_by("position", "name", "pk").prefetch_related(
        Prefetch("schedules", schedules, to_attr="active_schedules"),
        Prefetch("offers", booked.order_by("pk"), to_attr="booked_offers"),
    )
    return [Month(each, tuple(_days(each, days))) for each in newsletters]


def days_of(first: date) -> list[date]:
    count = calendar.monthrange(first.year, first.month)[1]
    return [first.replace(day=1) + timedelta(days=n) for n in range(count)]


def rivals(offer: Offer) -> list[Offer]:
    """Who is booked for the same place of a newsletter on some of the same days."""
    same = Offer.objects.filter(
        newsletters__in=offer.newsletters.all(), place=offer.place, is_stopped=False,
        starts_on__lte=offer.ends_on, ends_on__gte=offer.starts_on,
    )  # fmt: skip
    return list(same.exclude(pk=offer.pk).order_by("starts_on", "pk").distinct())


def _days(newsletter: Newsletter, days: Iterable[date]) -> Iterator[Day]:
    schedules: Sequence[Schedule] = newsletter.active_schedules  # type: ignore[attr-defined]
    offers: Sequence[Offer] = newsletter.booked_offers  # type: ignore[attr-defined]
    for schedule in schedules:
        schedule.newsletter = newsletter
    for day in days:
        on_day = [offer for offer in offers if offer.starts_on <= day <= offer.ends_on]
        bookings = tuple(booking for place in PLACES for booking in _at(place, on_day))
        taken = {booking.offer.place for booking in bookings}
        yield Day(day, _has_mail(schedules, day), bookings, tuple(each for each in PLACES if each not in taken))


def _at(place: Offer.Place, offers: Iterable[Offer]) -> Iterator[Booking]:
    here = [offer for offer in offers if offer.place == place]
    weights = sum(offer.weight for offer in here)
    for offer in here:
        yield Booking(offer, round(100 * offer.weight / weights) if weights else 100)


def _has_mail(schedules: Sequence[Schedule], day: date) -> bool:
    return not schedules or any(
        not scheduling.is_closed(each, day) and (each.cadence == Cadence.IMMEDIATE or scheduling.runs_on(each, day))
        for each in schedules
    )
