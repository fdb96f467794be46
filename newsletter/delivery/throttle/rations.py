"""How many mails of a transport that is being warmed up may go today: workers take some at a time from one row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from newsletter.delivery.models import WarmUp, WarmUpDay

SHARE = 0.01  # of a day's mails that a worker takes at a time: what one that is killed leaves unused


def has_plan(transport: str) -> bool:
    """Whether this transport is being warmed up. One query."""
    return WarmUp.objects.under_way().filter(transport=transport).exists()


@transaction.atomic
def take(transport: str, *, now: datetime, is_urgent: bool = False) -> int | None:
    """So many of today's mails are for one worker, 0 if none are left. None: there is no plan, or it is done.

    What is urgent gets one although none is left: it counts all the same.
    """
    plan = _today(transport, now)
    if plan is None:
        return None
    left = max(plan.ceiling - plan.used, 1 if is_urgent else 0)
    taken = min(max(int(plan.ceiling * SHARE), 1), left)
    if taken:
        plan.used += taken
        plan.save(update_fields=["used"])
    return taken


def give_back(transport: str, mails: int, *, day: date) -> None:
    """So many that were taken on that day were not handed over."""
    WarmUp.objects.filter(transport=transport, day=day, used__gte=mails).update(used=F("used") - mails)


def note_trouble(reason: str, *, now: datetime) -> None:
    """Receivers put us off or readers complain: today raises no ceiling, of whichever transport, to be careful."""
    for transport in WarmUp.objects.under_way().values_list("transport", flat=True):
        with transaction.atomic():
            if (plan := _today(transport, now)) and not plan.trouble:
                plan.trouble = reason[:300]
                plan.save(update_fields=["trouble"])


def states(transports: Iterable[str], *, now: datetime) -> Iterator[WarmUp]:
    """The plans of these that are not done, as they are today; nothing is written. One query."""
    for plan in WarmUp.objects.under_way().filter(transport__in=list(transports)):
        plan.turn_over(today_of(now))
        if plan.finished_on is None:
            yield plan


def today_of(now: datetime) -> date:
    """The site's day."""
    return timezone.localtime(now, timezone.get_default_timezone()).date()


def next_day_begins_at(now: datetime) -> datetime:
    midnight = datetime.combine(today_of(now) + timedelta(days=1), time(), tzinfo=timezone.get_default_timezone())
    return midnight.astimezone(UTC)


def _today(transport: str, now: datetime) -> WarmUp | None:
    """The plan, locked, and the day before, if it is over, in its books."""
    plan = WarmUp.objects.under_way().select_for_update().filter(transport=transport).first()
    if plan is None:
        return None
    today = today_of(now)
    if plan.day is None or plan.day < today:
        if over := plan.turn_over(today):
            values = {"ceiling": over.ceiling, "used": over.used, "trouble": over.trouble}
            WarmUpDay.objects.update_or_create(plan=plan, day=over.day, defaults=values)
        plan.save()
    return None if plan.finished_on else plan


class Ration:
    """One worker's share of today's mails of a transport. Without a plan everything may go."""

    def __init__(self, transport: str, *, is_urgent: bool, now: datetime) -> None:
        self._transport = transport
        self._is_urgent = is_urgent
        self.is_limited = has_plan(transport)
        self._left = 0
        self._day = today_of(now)

    def has_some(self, now: datetime) -> bool:
        """May one more mail go today? A query only when what was taken is used up."""
        if not self.is_limited:
            return True
        if self._day != today_of(now):
            self._left, self._day = 0, today_of(now)  # what was left of yesterday is nobody's
        if not self._left:
            taken = take(self._transport, now=now, is_urgent=self._is_urgent)
            self.is_limited = taken is not None
            self._left = taken or 0
        return not self.is_limited or self._left > 0

    def use_one(self) -> None:
        if self.is_limited:
            self._left -= 1

    def close(self) -> None:
        """What is left is another worker's."""
        if self._left:
            give_back(self._transport, self._left, day=self._day)
            self._left = 0
