"""Django's side of the built-in mailbox: what MAILERS names for `mailbox:`."""

from __future__ import annotations

from collections.abc import Sequence
from email.policy import SMTP

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from newsletter.delivery.mailbox.store import keep


class EmailBackend(BaseEmailBackend):
    """Keeps every message in the mailbox instead of sending it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sources = [(message, message.message(policy=SMTP).as_bytes()) for message in email_messages]
        keep([(recipient, raw) for message, raw in sources for recipient in message.recipients()])
        return len(sources)
