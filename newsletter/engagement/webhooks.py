"""Anymail's webhooks, translated into our own reports. Anymail checks the secret and the provider's signature."""

from __future__ import annotations

from typing import Any

from anymail.signals import AnymailTrackingEvent, tracking
from django.utils import timezone

from newsletter.engagement.bounces import is_hard
from newsletter.engagement.feedback import Report, record


def connect() -> None:
    """Listen to anymail. Called where their URLs are laid out."""
    tracking.connect(receive, dispatch_uid="newsletter.engagement.webhooks")


def receive(sender: Any, event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    """Keep what the provider says of one recipient."""
    if not event.recipient:
        return
    now = timezone.now()  # noqa: TID251 - an edge like a view
    send_pk = str((event.metadata or {}).get("send", ""))
    source = esp_name.lower()[:40]
    report = Report(
        source=source,
        kind=event.event_type,
        recipient=event.recipient,
        at=event.timestamp or now,
        source_id=event.event_id or "",
        send_pk=int(send_pk) if send_pk.isdecimal() else None,
        is_hard=is_hard(source=source, reject_reason=event.reject_reason or "", event=event.esp_event),
        detail=event.mta_response or event.description or "",
    )
    record(report, now=now)
