"""The end of what is held: a card that asks for a decision must not stay when there is nothing to decide any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, ExtractWeekDay, Greatest
from django.utils.translation import gettext as _

from newsletter.digests.models import Issue
from newsletter.subscribers.models import Cadence

LONGEST_HELD = timedelta(days=14)  # after its time, or after somebody last worked on it
AT_ONCE = 100


def expire_held(*, now: datetime) -> Iterator[Issue]:
    """End what waits for nobody: its articles are free, its words stay on its desk. Yields the issues."""
    held = Issue.objects.filter(status=Issue.Status.HELD, launched_at=None, send_at__lte=now)
    for issue in _overtaken(held, now)[:AT_ONCE]:
        if issue.expire(reason=_("It was held until the next run, which carries what it would have.")):
            yield issue
    for issue in _forgotten(held, now)[:AT_ONCE]:
        days = {"days": LONGEST_HELD.days}
        if issue.expire(reason=_("It was held, and nobody did anything with it for %(days)d days.") % days):
            yield issue


def _overtaken(held: QuerySet[Issue], now: datetime) -> QuerySet[Issue]:
    """Planned runs after which another one of their schedule, for the same readers, had its cut-off."""
    later = Issue.objects.filter(
        schedule=OuterRef("schedule"), run_date__isnull=False, send_at__gt=OuterRef("send_at"), send_at__lte=now
    ).exclude(status__in=[Issue.Status.DRAFT, Issue.Status.IN_REVIEW])
    same_day = later.filter(run_date__week_day=ExtractWeekDay(OuterRef("run_date")))
    is_parted = Q(cadence=Cadence.WEEKLY, newsletter__offers_delivery_time=True) & ~Q(newsletter__offered_weekdays=[])
    overtaken = (is_parted & Exists(same_day)) | (~is_parted & Exists(later))
    return held.filter(overtaken, schedule__isnull=False, run_date__isnull=False).order_by("send_at", "pk")


def _forgotten(held: QuerySet[Issue], now: datetime) -> QuerySet[Issue]:
    touched = Greatest("send_at", Coalesce(Max("versions__at", filter=Q(versions__editor__isnull=False)), "send_at"))
    return held.alias(touched_at=touched).filter(touched_at__lt=now - LONGEST_HELD).order_by("send_at", "pk")
