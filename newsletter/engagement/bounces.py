"""Is a bounce for good? Anymail calls soft and hard ones of several providers alike; their own words tell them apart.

Sources: the providers' documentation of their webhooks, as of November 2026.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

# provider: the field of its event that says how hard the bounce is, and what it says of those that are for good
_HARD: dict[str, tuple[str, Collection[str]]] = {
    "brevo": ("event", {"hard_bounce", "invalid_email"}),
    "mailersend": ("type", {"hard_bounced", "activity.hard_bounced"}),
    "postmark": ("Type", {"HardBounce", "BadEmailAddress"}),
    "resend": ("type", {"Permanent"}),
    "sendgrid": ("type", {"bounce"}),
    "sparkpost": ("bounce_class", {"10", "30"}),
}


def is_hard(*, source: str, reject_reason: str, event: Any) -> bool:
    """Whether a bounce says that the mailbox does not exist. ``event`` is the provider's own, as anymail gives it."""
    if source not in _HARD:  # mailgun: anymail calls the soft ones deferred
        return reject_reason in {"bounced", "invalid"}
    field, words = _HARD[source]
    return any(value in words for value in _values(event, field))


def _values(event: Any, field: str) -> Iterator[str]:
    """Every value of the field, however deep in the event."""
    if not isinstance(event, dict):
        return
    for name, value in event.items():
        if name == field and isinstance(value, str | int):
            yield str(value)
        yield from _values(value, field)
