"""The hours of the day in which a newsletter hands mails over; what is left then goes on the next day.

They are hours of the newsletter's zone and may span midnight. Where its clocks skip an hour that begins or ends them,
that is taken at the same distance from the day's beginning; where they repeat one, the first counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from newsletter.subscribers.models import Newsletter


def opens_at(newsletter: Newsletter, now: datetime) -> datetime | None:
    """When mails may be handed over again; None: now."""
    start, end = newsletter.sends_from, newsletter.sends_until
    if start is None or end is None or start == end:
        return None
    opening, closing = _next(start, newsletter, now), _next(end, newsletter, now)
    return None if closing < opening else opening


def closes_at(newsletter: Newsletter, now: datetime) -> datetime | None:
    """When handing over ends, in hours in which mails may be handed over; None: it does not."""
    start, end = newsletter.sends_from, newsletter.sends_until
    return None if start is None or end is None or start == end else _next(end, newsletter, now)


def _next(at: time, newsletter: Newsletter, now: datetime) -> datetime:
    """The first moment after now at which it is so late there."""
    zone = ZoneInfo(newsletter.time_zone)
    today = now.astimezone(zone).date()
    days = (datetime.combine(today + timedelta(days=n), at, tzinfo=zone).astimezone(UTC) for n in range(-1, 3))
    return next(moment for moment in days if moment > now)
