"""Which transports campaigns go by, and what a mailer of MAILERS means."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone

from newsletter.delivery.personalization import site_domain
from newsletter.delivery.throttle.buckets import shared_store
from newsletter.delivery.throttle.lanes import Lane
from newsletter.delivery.throttle.rations import Ration
from newsletter.delivery.transports.base import Transport
from newsletter.delivery.transports.mailbox import MailboxTransport
from newsletter.delivery.transports.paced import PacedTransport
from newsletter.delivery.transports.providers.transport import ProviderTransport
from newsletter.delivery.transports.rationed import RationedTransport
from newsletter.delivery.transports.smtp import SmtpOptions, SmtpTransport
from newsletter.delivery.transports.switchboard import Line, Switchboard

_SMTP_LIMITS = {"connections", "window", "messages"}


def open_transport(
    *,
    newsletter: str = "",
    is_urgent: bool = False,
    seconds_left: Callable[[], float] = lambda: math.inf,
    clock: Callable[[], datetime] = timezone.now,
) -> Transport:
    """The way out for bulk mail of the newsletter with this slug, to be entered with ``with``.

    It may be several transports behind one (docs/operations.md, "Several transports"). When no ``seconds_left``
    are left no more messages will come, and none of them waits for its rate.
    """
    names = names_of(newsletter)
    if len(names) == 1:
        return _limited(names[0], is_urgent=is_urgent, seconds_left=seconds_left, clock=clock)
    limited = partial(_limited, is_urgent=is_urgent, seconds_left=seconds_left, clock=clock)
    return Switchboard([_line(name) for name in names], connect=limited, clock=clock)


def names_of(newsletter: str) -> Sequence[str]:
    """The transports by which the newsletter with this slug goes."""
    names: Sequence[str] = settings.NEWSLETTER_TRANSPORTS.get(newsletter, settings.TRANSPORTS)
    return names


def _limited(
    name: str, *, is_urgent: bool, seconds_left: Callable[[], float], clock: Callable[[], datetime]
) -> Transport:
    """The transport, no faster than its ``rate``, and no more a day than its warm-up plan allows."""
    transport = _paced(name, is_urgent=is_urgent, seconds_left=seconds_left)
    ration = Ration(name, is_urgent=is_urgent, now=clock())
    return RationedTransport(transport, name, ration, clock=clock) if ration.is_limited else transport


def _paced(name: str, *, is_urgent: bool, seconds_left: Callable[[], float]) -> Transport:
    """The transport, no faster than its ``rate``."""
    rate: float | None = settings.MAILERS[name].get("SENDING", {}).get("rate")
    if rate is None:
        return connect(name)
    lane = Lane(shared_store(), f"transport:{name}", rate=rate, is_urgent=is_urgent, seconds_left=seconds_left)
    return PacedTransport(connect(name), lane)


def _line(name: str) -> Line:
    sending: dict[str, Any] = settings.MAILERS[name].get("SENDING", {})
    return Line(name, weight=sending.get("weight", 1), order=sending.get("order", 1))


def connect(mailer: str) -> Transport:
    """The transport for the mailer with this name."""
    entry: dict[str, Any] = settings.MAILERS[mailer]
    backend = entry["BACKEND"]
    if backend == settings.MAILBOX_BACKEND:
        return MailboxTransport()
    if backend == "django.core.mail.backends.smtp.EmailBackend":
        return SmtpTransport(_smtp_options(entry), local_hostname=site_domain())
    return ProviderTransport(mailer)


def _smtp_options(entry: dict[str, Any]) -> SmtpOptions:
    limits = {name: value for name, value in entry.get("SENDING", {}).items() if name in _SMTP_LIMITS}
    return SmtpOptions(**entry.get("OPTIONS", {}), **limits)
