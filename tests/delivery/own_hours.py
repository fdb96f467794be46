"""Readers with hours of their own, and when each of them is served."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from newsletter.delivery import sweeping
from newsletter.delivery.models import Send
from newsletter.digests import drafting
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter, Subscription
from tests.factories import NOW, make_article, make_newsletter, make_schedule, make_subscriber, make_subscription


def punctual_newsletter() -> Newsletter:
    """It lets readers choose an hour, and is at home in Paris."""
    return make_newsletter(offers_delivery_time=True, time_zone="Europe/Paris")


def reader(newsletter: Newsletter, *, zone: str = "", hour: int | None = None, **fields: Any) -> Subscription:
    return make_subscription(newsletter=newsletter, subscriber=make_subscriber(time_zone=zone), hour=hour, **fields)


def ready(newsletter: Newsletter, **fields: Any) -> Issue:
    """An issue of a daily schedule, ready at NOW (06:00 UTC, 07:00 in Paris), with an article."""
    make_article()
    schedule = make_schedule(newsletter=newsletter, **fields)
    [issue] = {each for each in drafting.run_due(now=NOW) if each.schedule == schedule}
    return issue


def sweep(at: datetime) -> None:
    """Everything that is due, and every mail is accepted."""
    for _campaign in sweeping.sweep(now=at):
        pass
    queued = Send.objects.filter(status=Send.Status.QUEUED)
    queued.update(status=Send.Status.SENT, settled_at=at)


def served_at(moments: list[datetime]) -> dict[int, list[datetime]]:
    """reader -> the moments of ``moments`` at which it got its mail."""
    found: dict[int, list[datetime]] = {}
    known: set[int] = set()
    for at in moments:
        sweep(at)
        new = Send.objects.filter(status=Send.Status.SENT).exclude(pk__in=known)
        for send in new:
            found.setdefault(send.subscriber_id or 0, []).append(at)
            known.add(send.pk)
    return found
