"""Hard and soft in the providers' own words; fragments of their documented webhooks."""

from __future__ import annotations

import pytest

from newsletter.engagement.bounces import is_hard


@pytest.mark.parametrize(
    ("source", "reason", "event"),
    [
        ("postmark", "bounced", {"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1}),
        ("brevo", "bounced", {"event": "hard_bounce", "email": "ada@example.org"}),
        ("sendgrid", "", {"event": "bounce", "type": "bounce", "status": "5.1.1"}),
        ("mailersend", "bounced", {"type": "activity.hard_bounced", "data": {"type": "hard_bounced"}}),
        ("resend", "bounced", {"type": "email.bounced", "data": {"bounce": {"type": "Permanent"}}}),
        ("sparkpost", "invalid", {"msys": {"message_event": {"type": "bounce", "bounce_class": "10"}}}),
        ("mailgun", "bounced", {"event-data": {"event": "failed", "severity": "permanent"}}),
    ],
)
def test_missing_mailbox_is_a_hard_bounce(source: str, reason: str, event: object) -> None:
    assert is_hard(source=source, reject_reason=reason, event=event)


@pytest.mark.parametrize(
    ("source", "reason", "event"),
    [
        ("postmark", "bounced", {"RecordType": "Bounce", "Type": "SoftBounce", "TypeCode": 4096}),
        ("brevo", "bounced", {"event": "soft_bounce", "email": "ada@example.org"}),
        ("sendgrid", "", {"event": "bounce", "type": "blocked", "status": "4.0.0"}),
        ("mailersend", "bounced", {"type": "activity.soft_bounced", "data": {"type": "soft_bounced"}}),
        ("resend", "bounced", {"type": "email.bounced", "data": {"bounce": {"type": "Transient"}}}),
        ("sparkpost", "bounced", {"msys": {"message_event": {"type": "bounce", "bounce_class": "22"}}}),
        ("mailgun", "blocked", {"event-data": {"event": "failed", "severity": "permanent"}}),
        ("postmark", "bounced", None),
    ],
)
def test_full_mailbox_and_policy_are_no_hard_bounce(source: str, reason: str, event: object) -> None:
    assert not is_hard(source=source, reject_reason=reason, event=event)
