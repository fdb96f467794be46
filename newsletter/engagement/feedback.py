"""What providers report of our mail: kept once per report, and acted upon where mail must stop.

Reports may come twice, late or in any order: the same final state results (a suppression is never taken back by one).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from newsletter.delivery import archive
from newsletter.delivery.models import Send
from newsletter.engagement.alarms import stop_if_reported
from newsletter.engagement.models import Event
from newsletter.engagement.silence import revive_reader
from newsletter.lib.addresses import address_hash, without_address
from newsletter.subscribers.models import ConsentRecord, Subscriber, Subscription, Suppression
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe

STORMS = {Event.Kind.BOUNCED, Event.Kind.REJECTED, Event.Kind.COMPLAINED}


@dataclass(frozen=True, slots=True)
class Report:
    """One event as a provider reports it, in anymail's vocabulary."""

    source: str
    kind: str
    recipient: str
    at: datetime
    source_id: str = ""
    send_pk: int | None = None
    is_hard: bool = False  # of a bounce: there is no such mailbox
    detail: str = ""

    @property
    def key(self) -> str:
        """The provider's own id of the event; without one, a hash of what it says."""
        if self.source_id:
            return self.source_id[:200]
        text = f"{self.kind}|{self.recipient}|{self.send_pk}|{self.at.isoformat()}"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def words(self) -> str:
        """The detail without the address, for rows that outlive the erasure of a person."""
        return without_address(self.detail, self.recipient)[:500]


def record(report: Report, *, now: datetime) -> bool:
    """Keep the report and do what follows from it. False if it is none of our kinds, or was known already."""
    if report.kind not in Event.Kind.values:
        return False
    try:
        return _record(report, now=now)
    except IntegrityError:  # its send went into the archive at this very moment, and is found there now
        return _record(report, now=now)


def _record(report: Report, *, now: datetime) -> bool:
    with transaction.atomic():
        send = Send.objects.select_related("campaign").filter(pk=report.send_pk or 0).first()
        _event, is_new = Event.objects.get_or_create(
            source=report.source,
            source_id=report.key,
            defaults={
                "send": send,
                "kind": report.kind,
                "address_hash": address_hash(report.recipient),
                "detail": report.words,
                "at": report.at,
            },
        )
        if is_new:
            _act(report, send or archive.find(report.send_pk or 0), now=now)
    return is_new


def _act(report: Report, send: Send | None, *, now: datetime) -> None:
    if send and report.kind in STORMS:
        stop_if_reported(send.campaign, now=now)
    if not Subscriber.objects.filter(address_hash=address_hash(report.recipient)).exists():
        return  # nobody of ours: a forged or misdirected report must not fill the suppression list
    if report.kind == Event.Kind.COMPLAINED:
        suppress(email=report.recipient, reason=Suppression.Reason.COMPLAINT, note=report.words, now=now)
    elif report.kind == Event.Kind.BOUNCED and report.is_hard:
        suppress(email=report.recipient, reason=Suppression.Reason.HARD_BOUNCE, note=report.words, now=now)
    elif report.kind in {Event.Kind.OPENED, Event.Kind.CLICKED} and send and send.subscriber_id:
        revive_reader(send.subscriber_id, now=now)
    elif report.kind == Event.Kind.UNSUBSCRIBED and send:
        of_newsletter = Subscription.objects.filter(newsletter__issues__campaign=send.campaign_id)
        if subscription := of_newsletter.filter(subscriber=send.subscriber_id).first():
            unsubscribe(subscription=subscription, method=ConsentRecord.Method.FEEDBACK, now=now)
