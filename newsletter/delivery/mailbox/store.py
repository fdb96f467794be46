"""The built-in mailbox: mail is kept in the database, for people to look at, while no mail server is configured."""

from __future__ import annotations

from collections.abc import Iterable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern_policy

from newsletter.delivery.models import MailboxMessage

KEPT = 5_000
_MAX_SUBJECT = 300


def keep(messages: Iterable[tuple[str, bytes]]) -> list[MailboxMessage]:
    """Store (recipient, source) pairs; the oldest beyond the newest 5,000 go."""
    rows = [MailboxMessage(recipient=to, subject=_subject(raw), raw=raw) for to, raw in messages]
    kept = MailboxMessage.objects.bulk_create(rows)
    surplus = MailboxMessage.objects.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1].first()
    if surplus:
        MailboxMessage.objects.filter(pk__lte=surplus).delete()
    return kept


def parsed(message: MailboxMessage) -> EmailMessage:
    """The message as Python's email package understands it."""
    return message_from_bytes(bytes(message.raw), policy=modern_policy)


def _subject(raw: bytes) -> str:
    headers, _blank, _body = raw.partition(b"\r\n\r\n")
    return str(message_from_bytes(headers, policy=modern_policy)["Subject"] or "")[:_MAX_SUBJECT]
