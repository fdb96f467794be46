"""Cells as values: dates of many hands, IP addresses, addresses with a name around them."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from email.utils import parseaddr
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address

from django.utils.translation import gettext

from newsletter.lib.address_lists import Identity, identify

EARLIEST, LATEST = 1971, 2100
MAX_LABELS, MAX_LABEL = 100, 60


class RefusedRow(ValueError):
    """The row cannot be used; the message says why, for whoever has the file."""


class BadDate(ValueError):
    """No date that is known; the message says so, for whoever has the file."""


class Order(StrEnum):
    """Which comes first in dates such as ``01/02/2024``."""

    DAY = "day-first"
    MONTH = "month-first"


_DAY_FIRST = re.compile(r"(\d{2})[-.](\d{2})[-.](\d{4})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?")
_ZONE_WORDS = re.compile(r"^(?P<moment>\S+ \S+?)(?: (?P<offset>[+-]\d{4}))?(?: (?:UTC|GMT|Z))?$")
_USUAL = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}", re.ASCII)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}", re.ASCII)
_SLASHED = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:,? (\d{1,2}):(\d{2})(?::(\d{2}))?(?: ([AP])M)?)?", re.ASCII | re.IGNORECASE
)
_MAILTO = "mailto:"


def needs_order(text: str) -> bool:
    """Is it a date whose day and month cannot be told apart without asking?"""
    return _SLASHED.fullmatch(text) is not None


def moment(text: str, order: Order | None = None) -> datetime | None:
    """ISO 8601, ``2024-05-01 10:00:00``, the same with `` UTC``, Go's, or ``31-12-2024 10:00``; without a zone in UTC.

    None if the cell is empty or holds MySQL's zero date. Raises BadDate, also for ``12/31/2024`` without an order.
    """
    if not text or text.startswith("0000-00-00"):
        return None
    try:
        found = datetime.fromisoformat(text) if _USUAL.fullmatch(text) else _parsed(text, order)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadDate(gettext("not a date: %(text)s") % {"text": text[:40]}) from error
    if not EARLIEST <= found.year <= LATEST:
        raise BadDate(gettext("not a likely date: %(text)s") % {"text": text[:40]})
    return found


def _parsed(text: str, order: Order | None) -> datetime:
    if _ISO_DAY.match(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            match = _ZONE_WORDS.match(text)
            if not match:
                raise
            return datetime.fromisoformat(match["moment"] + (match["offset"] or "+0000"))
    if order and (match := _SLASHED.fullmatch(text)):
        return _ordered(match, order)
    match = _DAY_FIRST.fullmatch(text)
    if not match:
        raise ValueError(text)
    day, month, year, *time = (int(number or 0) for number in match.groups())
    return datetime(year, month, day, *time)  # type: ignore[arg-type]  # noqa: DTZ001 - moment() adds the zone


def _ordered(match: re.Match[str], order: Order) -> datetime:
    first, second, year, hour, minute, second_of_minute = (int(number or 0) for number in match.groups()[:6])
    day, month = (first, second) if order is Order.DAY else (second, first)
    if half := match[7]:
        hour = hour % 12 + (12 if half in "pP" else 0)
    return datetime(year, month, day, hour, minute, second_of_minute)  # noqa: DTZ001 - moment() adds the zone


@lru_cache(maxsize=1000)
def labels(text: str) -> tuple[str, ...]:
    """Tags as the products list them in one cell: ``a;b``, ``a, b``, or Mailchimp's ``"a","b"``."""
    names = next(csv.reader([text], skipinitialspace=True)) if text.startswith('"') else re.split("[;,]", text)
    told = (" ".join(name.split())[:MAX_LABEL] for name in names)
    return tuple(dict.fromkeys(name for name in told if name))[:MAX_LABELS]


def network_address(text: str) -> str | None:
    """An IP address, or None: a broken one is no reason to lose a reader."""
    if _IPV4.fullmatch(text):
        return text
    try:
        return str(ip_address(text.strip("[] ")))
    except ValueError:
        return None


def address(text: str) -> tuple[Identity, str]:
    """The address and, from ``Ann <ann@example.org>``, the name. Raises InvalidAddress."""
    if "<" in text and text.endswith(">"):
        name, text = parseaddr(text)
        return identify(text), name
    return identify(text[len(_MAILTO) :] if text[: len(_MAILTO)].lower() == _MAILTO else text), ""
