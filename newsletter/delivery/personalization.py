"""From an edition to a reader's own message, as the bytes that go over the wire.

The headers and both parts of an edition are compiled once; a reader's message is then a join of bytes with their
values filled in: no template, no MIME object, no query. What it must look like: docs/architecture.md, RFC 5322, 2045,
2046 (multipart/alternative), 2369 and 2919 (List-*), 3834 (Auto-Submitted), 8058 (one-click).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from newsletter.delivery.encoding import Part, compile_part, dot_stuffed
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.recipients import Recipient
from newsletter.digests.rendering import RenderedMail
from newsletter.lib.addresses import wire_address
from newsletter.lib.dates import full_date
from newsletter.lib.headers import list_unsubscribe, mailbox, one_line, unstructured
from newsletter.lib.slots import Slot
from newsletter.lib.tokens import TOKEN_LENGTH, Purpose, TokenMaker
from newsletter.subscribers.models import Newsletter, Subscriber

_ANY_TOKEN = "0" * TOKEN_LENGTH
_UNKNOWN = str(Send.Reason.UNKNOWN)
_FORMATS = {str(each): each for each in Subscriber.Format}
_LINKS_OF_SEND = {
    Slot.RATING_URL: (Purpose.RATE, "engagement:rate"),
    Slot.CLICK_URL: (Purpose.CLICK, "engagement:click"),
    Slot.OPEN_URL: (Purpose.OPEN, "engagement:open"),
}
_PLAIN_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-zA-Z0-9.-]+", re.ASCII)


class Reader(NamedTuple):
    """What is a reader's own in a message: enough to make its bytes, or to let a provider fill an edition in."""

    name: str  # one line, may be empty
    to: str  # the finished header value
    message_id: str
    values: Mapping[str, str]  # by slot name, not escaped
    kind: Subscriber.Format = Subscriber.Format.HTML


class Outgoing(NamedTuple):
    """A message ready to be handed over: finished bytes, or a letter and its reader, who make them when asked."""

    send_pk: int
    sender: str
    recipient: str
    finished: bytes = b""
    letter: Letter | None = None
    reader: Reader | None = None
    is_repeat: bool = False  # it was handed over before, and nobody knows what became of it
    note_held: Callable[[bool], None] | None = None  # to be told, of a repeat, when it is let go, or held back again

    @property
    def data(self) -> bytes:
        """The message as it is to arrive, with CRLF line ends. It is made anew each time: ask once."""
        return self.letter.fill(self.reader) if self.letter and self.reader else self.finished

    @property
    def stuffed(self) -> bytes:
        """The message as it follows DATA: dot-stuffed, and without the final dot. Made anew each time, too."""
        if self.letter and self.reader:
            return self.letter.fill(self.reader, stuffed=True)
        return dot_stuffed(self.finished)


class Letter:
    """One edition of a campaign, compiled; ``to`` makes a reader's message from it.

    Raises InvalidAddress if the newsletter's own address is none.
    """

    def __init__(self, *, campaign: Campaign, mail: RenderedMail) -> None:
        self.newsletter: Newsletter = campaign.issue.newsletter
        self.mail = mail
        self._greeting = mail.greeting
        self.sender = on_the_wire(self.newsletter.sender_address)
        self.shared_headers = self._make_shared_headers(campaign, mail)
        self._values = ReaderValues(self.newsletter, marked=mail.html + mail.text)
        self._message_id = _message_id_frame(campaign.pk)
        self._compile(campaign, mail)

    def _compile(self, campaign: Campaign, mail: RenderedMail) -> None:
        """All that is the same for every reader, as bytes."""
        self._text = compile_part(mail.text, is_html=False, widths=self._values.widths)
        self._html = compile_part(mail.html, is_html=True, widths=self._values.widths)
        digest = hashlib.sha256(f"{campaign.pk}|{mail.subject}".encode()).hexdigest()
        boundary = f"=_{digest[:24]}"
        shared = "".join(f"{name}: {value}\r\n" for name, value in self.shared_headers.items())
        of_text, of_html = _head_of("plain", self._text), _head_of("html", self._html)
        of_both = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n'
        self._before_plain = (shared + of_text).encode()
        self._before_text = f"{shared}{of_both}\r\n--{boundary}\r\n{of_text}".encode()
        self._before_html = f"\r\n--{boundary}\r\n{of_html}".encode()
        self._after_html = f"\r\n--{boundary}--\r\n".encode()

    def to(self, reader: Recipient) -> Outgoing:
        """The message of this reader; the same bytes, Message-ID and Date however often it is made.

        Raises InvalidAddress if nothing can be mailed to what stands in the database.
        """
        recipient = on_the_wire(reader.email)
        values = self._values.of(reader)
        name = values[Slot.NAME]
        values[Slot.GREETING] = self._greeting.to(name)
        person = Reader(
            name, mailbox(name, recipient), self._message_id % reader.send_pk, values, _FORMATS[reader.format]
        )
        is_repeat = reader.reason == _UNKNOWN
        return Outgoing(reader.send_pk, self.sender, recipient, b"", self, person, is_repeat)

    def fill(self, reader: Reader, *, stuffed: bool = False) -> bytes:
        """The message of this reader, with dots doubled if ``stuffed``.

        Who chose plain text gets no HTML part at all: a mail program that is left the choice shows HTML.
        """
        values = reader.values
        own = [f"{name}: {value}\r\n" for name, value in personal_headers(reader.message_id, values).items()]
        chunks = [f"To: {reader.to}\r\n{''.join(own)}".encode()]
        if reader.kind == Subscriber.Format.TEXT:
            chunks.append(self._before_plain)
            chunks += self._text.chunks(values, stuffed=stuffed)
        else:
            chunks.append(self._before_text)
            chunks += self._text.chunks(values, stuffed=stuffed)
            chunks.append(self._before_html)
            chunks += self._html.chunks(values, stuffed=stuffed)
            chunks.append(self._after_html)
        return b"".join(chunks)

    def _make_shared_headers(self, campaign: Campaign, mail: RenderedMail) -> dict[str, str]:
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
        return {name: value for name, value in headers.items() if value}


def personal_headers(message_id: str, values: Mapping[str, str]) -> dict[str, str]:
    """The headers that differ from reader to reader, beside To."""
    return {
        "Message-ID": message_id,
        "List-Unsubscribe": list_unsubscribe(values[Slot.UNSUBSCRIBE_URL], mailbox=settings.UNSUBSCRIBE_MAILBOX),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _head_of(kind: str, part: Part) -> str:
    return f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {part.transfer_encoding}\r\n\r\n'


def on_the_wire(address: str) -> str:
    """The address as envelope and headers take it: nothing injected, its domain in ASCII. Raises InvalidAddress."""
    return address if _PLAIN_ADDRESS.fullmatch(address) else wire_address(address)


class ReaderValues:
    """A newsletter's readers' own values, by slot name, not escaped; all but the greeting, which the edition knows.

    Of the links that belong to one mail, only those whose slots are in ``marked``.
    """

    def __init__(self, newsletter: Newsletter, *, marked: str = "") -> None:
        self._of_send = [
            (slot, TokenMaker(purpose), _url_frame(name, settings.SITE_URL))
            for slot, (purpose, name) in _LINKS_OF_SEND.items()
            if slot.mark in marked
        ]
        self._language = newsletter.language
        self._zone = ZoneInfo(newsletter.time_zone)
        self._unsubscribe_url = _url_frame("subscribers:unsubscribe", settings.SITE_URL)
        self._preferences_url = _url_frame("subscribers:preferences", settings.SITE_URL)
        self._unsubscribe_token = TokenMaker(Purpose.UNSUBSCRIBE)
        self._preferences_token = TokenMaker(Purpose.PREFERENCES)

    @property
    def widths(self) -> dict[str, int]:
        """How long the values are that are as long for everybody."""
        frames = {
            Slot.UNSUBSCRIBE_URL: self._unsubscribe_url,
            Slot.PREFERENCES_URL: self._preferences_url,
            **{slot: frame for slot, _make, frame in self._of_send},
        }
        return {slot: sum(map(len, frame)) + TOKEN_LENGTH for slot, frame in frames.items() if _is_literal(frame)}

    def of(self, reader: Recipient) -> dict[str, str]:
        values: dict[str, str] = {
            Slot.NAME: one_line(reader.name),
            Slot.EMAIL: reader.email,
            Slot.SIGNED_UP_ON: _written(reader.signed_up_at.astimezone(self._zone).date(), self._language),
            Slot.UNSUBSCRIBE_URL: self._unsubscribe_token(reader.subscription_id).join(self._unsubscribe_url),
            Slot.PREFERENCES_URL: self._preferences_token(reader.subscriber_id, reader.link_version).join(
                self._preferences_url
            ),
        }
        for slot, make, frame in self._of_send:
            values[slot] = make(reader.send_pk).join(frame)
        return values


def _is_literal(frame: tuple[str, str]) -> bool:
    """Whether neither quoted-printable nor HTML has anything to escape in it."""
    text = "".join(frame)
    return text.isascii() and text.isprintable() and not set(text) & set("=&<>\"'")


def local_date(moment: datetime, newsletter: Newsletter) -> str:
    """The date as people of the newsletter's language write it."""
    day = moment.astimezone(ZoneInfo(newsletter.time_zone)).date()
    return _written(day, newsletter.language)


@lru_cache(maxsize=4096)
def _written(day: date, language: str) -> str:
    with translation.override(language):
        return full_date(day)


def message_id(campaign_pk: int, send_pk: int) -> str:
    """Stable for the send, however often it is tried: a receiving server can tell a repeat."""
    return _message_id_frame(campaign_pk) % send_pk


def _message_id_frame(campaign_pk: int) -> str:
    return f"<send.{campaign_pk}.%d@{site_domain()}>"


def site_domain() -> str:
    """The host of SITE_URL, with a dot in it as RFC 5322's `id-right` and the spam filters want."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return host if "." in host else f"{host}.localdomain"


def _sender_id(domain: str) -> str:
    return hashlib.sha256(domain.encode()).hexdigest()[:12]


@lru_cache(maxsize=16)
def _url_frame(name: str, site_url: str) -> tuple[str, str]:
    """What stands before and after the token."""
    before, _token, after = (site_url + reverse(name, kwargs={"token": _ANY_TOKEN})).partition(_ANY_TOKEN)
    return before, after
