"""Which transport a mailer of MAILERS means."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from newsletter.delivery.personalization import site_domain
from newsletter.delivery.transports.base import Transport
from newsletter.delivery.transports.mailbox import MailboxTransport
from newsletter.delivery.transports.provider import ProviderTransport
from newsletter.delivery.transports.smtp import SmtpOptions, SmtpTransport

CAMPAIGNS = "campaigns"


def open_transport(mailer: str = CAMPAIGNS) -> Transport:
    """A transport for the mailer with this name, to be entered with ``with``."""
    entry: dict[str, Any] = settings.MAILERS[mailer]
    backend = entry["BACKEND"]
    if backend == "newsletter.delivery.mailbox.backend.EmailBackend":
        return MailboxTransport()
    if backend == "django.core.mail.backends.smtp.EmailBackend":
        return SmtpTransport(SmtpOptions(**entry.get("OPTIONS", {})), local_hostname=site_domain())
    return ProviderTransport(mailer)
