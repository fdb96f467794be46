"""Which transports are left out for now: noted in the database, so that all workers know."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from newsletter.delivery.models import TransportOutage

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)


def note_down(name: str, *, reason: str, retry_after: float | None, now: datetime) -> datetime:
    """It cannot be reached: left out for 30 s, then 1, 2 … 15 minutes, or as long as it asks. Returns until when."""
    outage = _note(name, reason=reason, now=now)
    pause = min(FIRST_PAUSE * 2 ** min(outage.failure_count - 1, 10), LONGEST_PAUSE)
    until: datetime = now + max(pause, timedelta(seconds=retry_after or 0))
    _mine(name).update(until=until)
    return until


def note_refused(name: str, *, reason: str, now: datetime) -> None:
    """It refuses to send for us: left out until a person has looked."""
    _note(name, reason=reason, now=now)
    _mine(name).update(until=None)


def forget(name: str) -> None:
    """It has accepted a mail."""
    _mine(name).delete()


def known() -> dict[str, TransportOutage]:
    """By transport, the outages that are not known to be over."""
    return {outage.name: outage for outage in TransportOutage.objects.order_by("name")}


def _note(name: str, *, reason: str, now: datetime) -> TransportOutage:
    """Several workers find it down at the same moment: that is one failure."""
    outage, is_new = TransportOutage.objects.get_or_create(
        name=name, defaults={"since": now, "reason": reason[:300], "until": now}
    )
    if not is_new and outage.until is not None and outage.until <= now:
        outage.failure_count = min(outage.failure_count + 1, 100)
    _mine(name).update(failure_count=outage.failure_count, reason=reason[:300])
    return outage


def _mine(name: str) -> QuerySet[TransportOutage]:
    """None if another worker has had a mail accepted meanwhile: then it is up."""
    return TransportOutage.objects.filter(name=name)
