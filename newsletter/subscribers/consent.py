"""Writing the proof: who agreed to what, or withdrew, when and how."""

from __future__ import annotations

from datetime import datetime

from newsletter.subscribers.models import ConsentRecord, ConsentWording, SignUp, Subscription


def record_given(
    subscription: Subscription,
    *,
    method: ConsentRecord.Method,
    now: datetime,
    sign_up: SignUp | None = None,
    asked_at: datetime | None = None,
    confirmation_ip: str | None = None,
    ground: str = "",
    note: str = "",
) -> ConsentRecord:
    """Keep that the reader agreed to the newsletter's present wording; ``sign_up`` is the form it began with.

    ``ground`` and ``note`` are an editor's words for what it stands on.
    """
    record = ConsentRecord(
        subscriber_id=subscription.subscriber_id,
        address_hash=subscription.subscriber.address_hash,
        newsletter=subscription.newsletter,
        action=ConsentRecord.Action.GIVEN,
        method=method,
        wording=ConsentWording.objects.current(subscription.newsletter),
        asked_at=asked_at,
        confirmation_ip=confirmation_ip,
        ground=ground,
        note=note[:300],
        at=now,
    )
    if sign_up:
        record.asked_at = sign_up.created_at
        record.page_url = sign_up.page_url
        record.ip_address = sign_up.ip_address
        record.user_agent = sign_up.user_agent
    record.save()
    return record


def record_withdrawn(subscription: Subscription, *, method: ConsentRecord.Method, now: datetime) -> ConsentRecord:
    """Keep that the reader, or somebody for them, ended it."""
    return ConsentRecord.objects.create(
        subscriber_id=subscription.subscriber_id,
        address_hash=subscription.subscriber.address_hash,
        newsletter_id=subscription.newsletter_id,
        action=ConsentRecord.Action.WITHDRAWN,
        method=method,
        at=now,
    )
