"""Dates as people of the active language write them."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.translation import gettext

SHORT_MONTH = re.compile(r"(?<!\\)[NMb]")


def full_date(moment: date | datetime) -> str:
    """``November 22, 2026``, ``22. November 2026``; a moment is taken in the active time zone."""
    return date_format(_local(moment), SHORT_MONTH.sub("F", get_format("DATE_FORMAT")))


def folio_date(moment: date | datetime) -> str:
    """The date with its weekday, as at the top of a newspaper's page."""
    day = _local(moment)
    return gettext("%(weekday)s, %(date)s") % {"weekday": date_format(day, "l"), "date": full_date(day)}


def _local(moment: date | datetime) -> date:
    return timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
