"""Readers' own hours: one issue, ready at the newsletter's time, is handed out in waves over the day that follows.

A reader's moment is the first time, from the issue's ``send_at`` on, that it is their hour where they are. Nothing is
stored per reader: every wave asks anew whose moment has come and who is not in the ledger yet. So whoever changes hour
or zone in between is neither passed over nor mailed twice, and the ledger alone says who has been served.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue, Schedule
from newsletter.digests.scheduling import next_local_time
from newsletter.subscribers.models import Cadence, Subscription

NOBODY = Q(pk=0)  # and not an empty list of keys, for which Django refuses to write any SQL
NO_HOUR = -1  # of readers who take the newsletter's time
CHOOSE_HOURS = frozenset({Cadence.DAILY.value, Cadence.WEEKLY.value, Cadence.MONTHLY.value})
type Moment = tuple[str, int]  # the reader's zone ("" for the newsletter's) and hour, as the database has them
type Audience = models.QuerySet[Subscription, Any]


@dataclass(frozen=True, slots=True)
class Timetable:
    """Whose moment has come: ``due`` (None: everybody's). ``coming_count`` others have theirs from ``next_at`` on."""

    due: frozenset[Moment] | None = None
    next_at: datetime | None = None
    coming_count: int = 0


def timetable(issue: Issue, readers: Audience, *, now: datetime) -> Timetable:
    """Who of ``readers`` gets the issue now, and when the next do. At most one query."""
    if not has_waves(issue):
        return Timetable()
    counts = _counts(readers)
    at = {moment: moment_at(issue, moment) for moment in counts}
    later = [moment for moment in counts if at[moment] > now]
    return Timetable(
        due=frozenset(counts) - frozenset(later),
        next_at=min((at[moment] for moment in later), default=None),
        coming_count=sum(counts[moment] for moment in later),
    )


def forecast(issue: Issue, readers: Audience) -> Mapping[datetime, int]:
    """How many readers get the issue at which instant, in order. One query; for a page that looks ahead."""
    if not has_waves(issue):
        return {issue.send_at: readers.count()}
    found: dict[datetime, int] = {}
    for moment, count in _counts(readers).items():
        at = moment_at(issue, moment)
        found[at] = found.get(at, 0) + count
    return dict(sorted(found.items()))


def has_waves(issue: Issue) -> bool:
    """Whether readers get the issue at different times."""
    schedule = issue.schedule
    if schedule is None or issue.cadence == Cadence.IMMEDIATE:
        return False
    return _takes_hours(issue) or schedule.in_readers_zone


def moment_at(issue: Issue, moment: Moment) -> datetime:
    """When readers of this zone and hour get the issue, in UTC: its ``send_at`` at the earliest.

    And then as well if their own moment would be quiet: earlier than they wished beats on a day of rest.
    """
    name, hour = moment
    schedule = issue.schedule
    assert schedule is not None
    if hour != NO_HOUR and _takes_hours(issue):
        return _unless_quiet(issue, time(hour), _zone(name, issue.newsletter.time_zone))
    if schedule.in_readers_zone:
        return _unless_quiet(issue, _own_time(issue, schedule), _zone(name, schedule.time_zone))
    return issue.send_at


def _unless_quiet(issue: Issue, at: time, zone: ZoneInfo) -> datetime:
    """The next such moment in the zone; ``send_at`` if it is in quiet hours or on a quiet day there."""
    moment = next_local_time(at, zone, since=issue.send_at)
    day = moment.astimezone(zone).date()
    is_quiet = issue.newsletter.is_quiet_at(at) or issue.newsletter.is_quiet_on(day)
    return issue.send_at if is_quiet else moment


def of_their_hour(issue: Issue, readers: Audience, *, now: datetime) -> Audience:
    """Those of ``readers`` whose moment has come. At most one query."""
    due = timetable(issue, readers, now=now).due
    if due is None:
        return readers
    zones: dict[int, list[str]] = {}
    for zone, hour in sorted(due):
        zones.setdefault(hour, []).append(zone)
    theirs = NOBODY
    for hour, names in zones.items():
        theirs |= Q(hour=None if hour == NO_HOUR else hour, subscriber__time_zone__in=names)
    return readers.filter(theirs)


def unserved(campaign: Campaign, readers: Audience) -> Audience:
    """Those of the issue's readers who are not in its ledger yet."""
    served = Send.objects.filter(campaign=campaign, subscriber=OuterRef("subscriber"))
    return readers.filter(~Exists(served))


def of_the_day(issue: Issue, readers: Audience) -> Audience:
    """Of weekly readers those whose day it is; who chose none, or one that is not offered, has the newsletter's."""
    newsletter, schedule = issue.newsletter, issue.schedule
    if schedule is None or issue.run_date is None or not goes_by_weekday(issue):
        return readers
    weekday = issue.run_date.weekday()
    chosen = Q(weekday=weekday) if weekday in newsletter.offered_weekdays else NOBODY
    if weekday in schedule.weekdays:
        chosen |= Q(weekday=None) | ~Q(weekday__in=newsletter.offered_weekdays)
    return readers.filter(chosen)


def goes_by_weekday(issue: Issue) -> bool:
    """Whether it is for the weekly readers of one day."""
    is_run = issue.schedule is not None and issue.run_date is not None
    return is_run and issue.newsletter.parts_by_weekday(issue.cadence)


def is_their_day(issue: Issue, chosen: int | None) -> bool:
    """Whether a weekly issue is for those who chose this weekday, or none: ``of_the_day`` for one of them."""
    assert issue.schedule
    assert issue.run_date
    offered, weekday = issue.newsletter.offered_weekdays, issue.run_date.weekday()
    return chosen == weekday if chosen in offered else weekday in issue.schedule.weekdays


def _counts(readers: Audience) -> Mapping[Moment, int]:
    moments = readers.order_by().values("subscriber__time_zone", own_hour=Coalesce("hour", NO_HOUR))
    counted = moments.annotate(count=Count("pk")).values_list("subscriber__time_zone", "own_hour", "count")
    return {(zone, hour): count for zone, hour, count in counted}


def _takes_hours(issue: Issue) -> bool:
    return issue.newsletter.offers_delivery_time and issue.cadence in CHOOSE_HOURS


def _own_time(issue: Issue, schedule: Schedule) -> time:
    return time.fromisoformat(issue.run_slot) if issue.run_slot[:2].isdigit() else schedule.time


@lru_cache(maxsize=1024)
def _zone(name: str, otherwise: str) -> ZoneInfo:
    """The zone of that name, or the other one if there is none, or none that we know any more."""
    try:
        return ZoneInfo(name or otherwise)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(otherwise)
