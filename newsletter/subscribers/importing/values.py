"""Cells as values: dates of many hands, IP addresses, addresses with a name around them."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from email.utils import parseaddr
from functools import lru_cache
from ipaddress import ip_address

from django.utils.translation import gettext

from newsletter.lib.address_lists import Identity, identify

EARLIEST, LATEST = 1971, 2100
MAX_LABELS, MAX_LABEL = 100, 60


class RefusedRow(ValueError):
    """The row cannot be used; the message says why, for whoever has the file."""


_DAY_FIRST = re.compile(r"(\d{2})[-.](\d{2})[-.](\d{4})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?")
_ZONE_WORDS = re.compile(r"^(?P<moment>\S+ \S+?)(?: (?P<offset>[+-]\d{4}))?(?: (?:UTC|GMT|Z))?$")
_USUAL = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}", re.ASCII)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}", re.ASCII)
_MAILTO = "mailto:"


@lru_cache(maxsize=1000)  # one row often has the same time twice
def moment(text: str) -> datetime | None:
    """ISO 8601, ``2024-05-01 10:00:00``, the same with `` UTC``, Go's, or ``31-12-2024 10:00``; without a zone in UTC.

    None if the cell is empty or holds MySQL's zero date. Raises RefusedRow; ``12/31/2024`` is refused, since elsewhere
    it is another day.
    """
    if not text or text.startswith("0000-00-00"):
        return None
    try:
        found = datetime.fromisoformat(text) if _USUAL.fullmatch(text) else _parsed(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise RefusedRow(gettext("not a date: %(text)s") % {"text": text[:40]}) from error
    if not EARLIEST <= found.year <= LATEST:
        raise RefusedRow(gettext("not a likely date: %(text)s") % {"text": text[:40]})
    return found


def _parsed(text: str) -> datetime:
    if _ISO_DAY.match(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            match = _ZONE_WORDS.match(text)
            if not match:
                raise
            return datetime.fromisoformat(match["moment"] + (match["offset"] or "+0000"))
    match = _DAY_FIRST.fullmatch(text)
    if not match:
        raise ValueError(text)
    day, month, year, *time = (int(number or 0) for number in match.groups())
    return datetime(year, month, day, *time)  # type: ignore[arg-type]  # noqa: DTZ001 - moment() adds the zone


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
