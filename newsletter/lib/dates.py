"""Dates as people of the active language write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format, get_format, time_format
from django.utils.translation import get_language, gettext

SHORT_MONTH = re.compile(r"(?<!\\)[NMb]")


def full_date(moment: date | datetime) -> str:
    """``November 22, 2026``, ``22. November 2026``; a moment is taken in the active time zone."""
    return date_format(_local(moment), SHORT_MONTH.sub("F", get_format("DATE_FORMAT")))


def folio_date(moment: date | datetime) -> str:
    """The date with its weekday, as at the top of a newspaper's page."""
    day = _local(moment)
    return gettext("%(weekday)s, %(date)s") % {"weekday": date_format(day, "l"), "date": full_date(day)}


def hour_of_day(moment: time | datetime) -> str:
    """``7:30 p.m.`` where readers of the active language are used to it, ``19:30`` elsewhere and all over the desk."""
    clock = timezone.localtime(moment).time() if isinstance(moment, datetime) else moment
    is_english = (get_language() or "").split("-")[0] == "en"
    return time_format(clock, "P" if is_english else "TIME_FORMAT")


def is_among(day: date, stretches: Iterable[str]) -> bool:
    """Whether the day is one of these or lies within one: ``2026-12-24`` or ``2026-12-24/2027-01-02``."""
    ends = (stretch.partition("/") for stretch in stretches)
    return any(first <= day.isoformat() <= (last or first) for first, _slash, last in ends)


def day_and_hour(at: datetime, zone: str) -> str:
    """``Mon 23 Nov, 07:00`` in the zone of that name: where the desk says when something is due or was done."""
    return date_format(at.astimezone(ZoneInfo(zone)), "D j M, H:i")


def span_of_hours(start: datetime, end: datetime, zone: str) -> str:
    """``Mon 23 Nov, 07:00–07:06``: the same day, and the same minute, stand there once."""
    begun, ended = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    shown, until = day_and_hour(start, zone), day_and_hour(end, zone)
    if shown == until:
        return shown
    return f"{shown}–{date_format(ended, 'H:i')}" if begun.date() == ended.date() else f"{shown} – {until}"


def _local(moment: date | datetime) -> date:
    return timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
