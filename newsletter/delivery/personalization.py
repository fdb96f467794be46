"""From an edition to a reader's own message, as the bytes that go over the wire.

The headers and both parts of an edition are compiled once; a reader's message is then a join of bytes with their
values filled in: no template, no MIME object, no query. What it must look like: docs/architecture.md, RFC 5322, 2045,
2046 (multipart/alternative), 2369 and 2919 (List-*), 3834 (Auto-Submitted), 8058 (one-click).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from newsletter.delivery.encoding import Part, compile_part, dot_stuffed
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.rendering import RenderedMail
from newsletter.lib.addresses import wire_address
from newsletter.lib.dates import full_date
from newsletter.lib.headers import mailbox, one_line, unstructured
from newsletter.lib.slots import Slot
from newsletter.lib.tokens import TOKEN_LENGTH
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription

_ANY_TOKEN = "0" * TOKEN_LENGTH
_PLAIN_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-zA-Z0-9.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be handed over. ``data`` has CRLF line ends and is dot-stuffed."""

    send_pk: int
    sender: str
    recipient: str
    data: bytes


class Letter:
    """One edition of a campaign, compiled; ``to`` makes a reader's message from it.

    Raises InvalidAddress if the newsletter's own address is none.
    """

    def __init__(self, *, campaign: Campaign, mail: RenderedMail) -> None:
        self.newsletter: Newsletter = campaign.issue.newsletter
        self._greeting = mail.greeting
        self.sender = on_the_wire(self.newsletter.sender_address)
        self._text = compile_part(mail.text, is_html=False)
        self._html = compile_part(mail.html, is_html=True)
        digest = hashlib.sha256(f"{campaign.pk}|{mail.subject}".encode()).hexdigest()
        self._boundary = f"=_{digest[:24]}"
        self._shared_headers = self._make_shared_headers(campaign, mail)

    def to(self, send: Send, subscription: Subscription, subscriber: Subscriber) -> Outgoing:
        """The message of this reader; the same bytes, Message-ID and Date however often it is made.

        Raises InvalidAddress if nothing can be mailed to what stands in the database.
        """
        recipient = on_the_wire(subscriber.email)
        values = reader_values(self.newsletter, subscription, subscriber)
        values[Slot.GREETING] = self._greeting.to(values[Slot.NAME])
        to, kind = mailbox(subscriber.name, recipient), Subscriber.Format(subscriber.format)
        data = self.data(to=to, message_id=message_id(send), values=values, kind=kind)
        return Outgoing(send.pk, self.sender, recipient, data)

    def data(
        self, *, to: str, message_id: str, values: Mapping[str, str], kind: Subscriber.Format = Subscriber.Format.HTML
    ) -> bytes:
        """The message with these values, by slot name, ready for the wire. ``to`` is a finished header value.

        Who chose plain text gets no HTML part at all: a mail program that is left the choice shows HTML.
        """
        headers = {
            "To": to,
            "Message-ID": message_id,
            "List-Unsubscribe": f"<{values[Slot.UNSUBSCRIBE_URL]}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        personal = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        body = self._plain(values) if kind == Subscriber.Format.TEXT else self._multipart(values)
        return dot_stuffed(personal + self._shared_headers + body)

    def _plain(self, values: Mapping[str, str]) -> bytes:
        entity = _entity("plain", self._text, values)
        return entity if entity.endswith(b"\r\n") else entity + b"\r\n"

    def _multipart(self, values: Mapping[str, str]) -> bytes:
        between = f"\r\n--{self._boundary}".encode()
        head = f'Content-Type: multipart/alternative; boundary="{self._boundary}"\r\n'.encode()
        text, html = _entity("plain", self._text, values), _entity("html", self._html, values)
        return b"".join([head, between, b"\r\n", text, between, b"\r\n", html, between, b"--\r\n"])

    def _make_shared_headers(self, campaign: Campaign, mail: RenderedMail) -> bytes:
        newsletter, domain = self.newsletter, site_domain()
        headers = {
            "From": mailbox(newsletter.sender_name, self.sender),
            "Reply-To": f"<{on_the_wire(newsletter.reply_address)}>" if newsletter.reply_address else "",
            "Subject": unstructured(mail.subject, name="Subject"),
            "Date": format_datetime(campaign.dated_at),
            "List-ID": mailbox(newsletter.name, f"{newsletter.slug}.{domain}"),
            "List-Help": f"<{settings.SITE_URL}{newsletter.get_absolute_url()}>",
            "List-Owner": f"<mailto:{on_the_wire(newsletter.reply_address or newsletter.sender_address)}>",
            "List-Archive": f"<{settings.SITE_URL}{newsletter.get_absolute_url()}>",
            "List-Post": "NO",
            "Precedence": "bulk",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
            "Feedback-ID": f"{campaign.pk}:{newsletter.slug}:{newsletter.kind}:{_sender_id(domain)}",
            "MIME-Version": "1.0",
        }
        return "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value).encode()


def _entity(kind: str, part: Part, values: Mapping[str, str]) -> bytes:
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {part.transfer_encoding}\r\n\r\n"
    return head.encode() + part.fill(values)


def on_the_wire(address: str) -> str:
    """The address as envelope and headers take it: nothing injected, its domain in ASCII. Raises InvalidAddress."""
    return address if _PLAIN_ADDRESS.fullmatch(address) else wire_address(address)


def reader_values(newsletter: Newsletter, subscription: Subscription, subscriber: Subscriber) -> dict[str, str]:
    """A reader's own values, by slot name, not escaped; all but the greeting, which the edition's letter knows."""
    return {
        Slot.NAME: one_line(subscriber.name),
        Slot.EMAIL: subscriber.email,
        Slot.SIGNED_UP_ON: local_date(subscription.confirmed_at or subscription.created_at, newsletter),
        Slot.UNSUBSCRIBE_URL: _url("subscribers:unsubscribe", subscription.unsubscribe_token),
        Slot.PREFERENCES_URL: _url("subscribers:preferences", subscriber.preferences_token),
    }


def local_date(moment: datetime, newsletter: Newsletter) -> str:
    """The date as people of the newsletter's language write it."""
    day = moment.astimezone(ZoneInfo(newsletter.time_zone)).date()
    return _written(day, newsletter.language)


@lru_cache(maxsize=4096)
def _written(day: date, language: str) -> str:
    with translation.override(language):
        return full_date(day)


def message_id(send: Send) -> str:
    """Stable for the send, however often it is tried: a receiving server can tell a repeat."""
    return f"<send.{send.campaign_id}.{send.pk}@{site_domain()}>"


def site_domain() -> str:
    """The host of SITE_URL, with a dot in it as RFC 5322's `id-right` and the spam filters want."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return host if "." in host else f"{host}.localdomain"


def _sender_id(domain: str) -> str:
    return hashlib.sha256(domain.encode()).hexdigest()[:12]


def _url(name: str, token: str) -> str:
    return _url_frame(name, settings.SITE_URL).replace(_ANY_TOKEN, token)


@lru_cache(maxsize=16)
def _url_frame(name: str, site_url: str) -> str:
    return site_url + reverse(name, kwargs={"token": _ANY_TOKEN})
