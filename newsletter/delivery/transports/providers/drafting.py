"""From readers of one edition to what anymail takes: an EmailMessage with everything for one call of the API.

The mail that arrives must say what the bytes of SMTP say: same subject, both texts, headers, greeting and links.
Values for the HTML are escaped here, because no provider is known to do it reliably.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from email import message_from_bytes
from email.message import EmailMessage as ParsedMessage
from email.policy import default as modern_policy
from html import escape

from anymail.message import AnymailMessage
from anymail.utils import EmailAddress

from newsletter.delivery.personalization import Letter, Outgoing, Reader, personal_headers
from newsletter.delivery.transports.providers.abilities import Abilities, Way
from newsletter.lib.slots import MARK, Slot, fill
from newsletter.subscribers.models import Subscriber

_SET_BY_ANYMAIL = {"from", "to", "reply-to", "subject", "mime-version", "content-type", "content-transfer-encoding"}
_SHARED_PERSONAL = "List-Unsubscribe-Post"
# Their values are made of letters that need no escaping, so that text and HTML share one field.
_PLAIN = frozenset({Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL, Slot.RATING_URL, Slot.CLICK_URL, Slot.OPEN_URL})
_LITERAL, _NUMBER, _LEAVE, _SEND = "opening", "message_id", "leave", "send"  # fields beside the slots


def draft(messages: Sequence[Outgoing], abilities: Abilities) -> AnymailMessage:
    """One call for these messages: of one letter and format, with different addresses; or any one alone."""
    first = messages[0]
    if first.letter is None or first.reader is None:
        return as_parsed(first, abilities)
    if abilities.way == Way.MERGE:
        message = _merged(messages, first.letter, abilities)
    elif len(messages) > 1:
        message = _versions(messages, first.letter, abilities)
    else:
        message = _single(first, first.letter, first.reader, abilities)
    if abilities.idempotency_field:
        message.extra_headers[abilities.idempotency_field] = str(idempotency_key(messages))
    message.idempotency_key = str(idempotency_key(messages))
    return message


def idempotency_key(messages: Iterable[Outgoing]) -> uuid.UUID:
    """The same for the same mails to the same readers, and for no others."""
    numbers = (message.reader.message_id if message.reader else str(message.send_pk) for message in messages)
    return uuid.uuid5(uuid.NAMESPACE_URL, " ".join(numbers))


def address_of(message: Outgoing) -> EmailAddress:
    """Built from its parts, ten times as fast as having it parsed again: it was checked before it came here."""
    local, _at, domain = message.recipient.rpartition("@")
    return EmailAddress(message.reader.name if message.reader else "", username=local, domain=domain)


def _base(messages: Sequence[Outgoing], letter: Letter, abilities: Abilities) -> AnymailMessage:
    """Everything that all readers of the letter share, but the texts."""
    newsletter = letter.newsletter
    shared = {name: value for name, value in letter.shared_headers.items() if _is_ours(name, abilities)}
    post = personal_headers("", {Slot.UNSUBSCRIBE_URL: ""})[_SHARED_PERSONAL]
    reply_to = letter.shared_headers.get("Reply-To")
    return AnymailMessage(
        subject=letter.mail.subject,
        from_email=str(EmailAddress(newsletter.sender_name, letter.sender)),
        to=[address_of(message) if abilities.payload else str(address_of(message)) for message in messages],
        reply_to=[reply_to] if reply_to else None,
        headers=shared | {_SHARED_PERSONAL: post} | dict(abilities.extra_headers),
    )


def _merged(messages: Sequence[Outgoing], letter: Letter, abilities: Abilities) -> AnymailMessage:
    """One text with the provider's marks, and every reader's values."""
    mail, message = letter.mail, _base(messages, letter, abilities)
    has_html = _has_html(messages[0])
    in_text, in_html = set(MARK.findall(mail.text)), set(MARK.findall(mail.html)) if has_html else set()
    message.subject = _guarded(mail.subject, abilities)
    message.body = _marked(mail.text, abilities, is_html=False)
    if has_html:
        message.attach_alternative(_marked(mail.html, abilities, is_html=True), "text/html")
    plain = tuple((slot, _field(slot, is_html=False)) for slot in in_text | (in_html & _PLAIN))
    escaped = tuple((slot, _field(slot, is_html=True)) for slot in in_html - _PLAIN)
    data = {message.recipient: _values(message.reader, plain, escaped) for message in messages if message.reader}
    if abilities.opening in f"{mail.subject}{mail.text}{mail.html}":
        message.merge_global_data = {_LITERAL: abilities.opening}
    message.merge_data = data
    if abilities.has_marks_in_headers:
        _mark_headers(message, messages, abilities)
    else:
        _add_headers(message, messages, abilities)
    if abilities.payload == "SendGridPayload":
        message.esp_extra = {"merge_field_format": abilities.mark}
    return message


def _values(reader: Reader, plain: tuple[tuple[str, str], ...], escaped: tuple[tuple[str, str], ...]) -> dict[str, str]:
    values = reader.values
    data = {field: values[slot] for slot, field in plain}
    for slot, field in escaped:
        data[field] = escape(values[slot])
    return data


def _mark_headers(message: AnymailMessage, messages: Sequence[Outgoing], abilities: Abilities) -> None:
    """Headers and metadata hold marks as well: that costs less than giving them reader by reader."""
    mark = abilities.mark.format
    message.extra_headers |= {"Message-ID": mark(_NUMBER), "List-Unsubscribe": mark(_LEAVE)}
    for each in messages:
        if each.reader:
            data = message.merge_data[each.recipient]
            data[_NUMBER] = each.reader.message_id
            data[_LEAVE] = personal_headers(each.reader.message_id, each.reader.values)["List-Unsubscribe"]
            data[_SEND] = str(each.send_pk)
    if abilities.payload == "MailgunPayload":
        message.metadata = {_SEND: mark(_SEND)}
    else:
        message.merge_metadata = {each.recipient: {_SEND: str(each.send_pk)} for each in messages}


def _add_headers(message: AnymailMessage, messages: Sequence[Outgoing], abilities: Abilities) -> None:
    """Headers and metadata reader by reader."""
    message.merge_headers = {each.recipient: _personal(each.reader, abilities) for each in messages if each.reader}
    if abilities.has_metadata:
        message.merge_metadata = {each.recipient: {_SEND: str(each.send_pk)} for each in messages}


def _versions(messages: Sequence[Outgoing], letter: Letter, abilities: Abilities) -> AnymailMessage:
    """Every reader's finished texts, which the payload puts into its list of mails (calling.Prepared)."""
    message = _base(messages, letter, abilities)
    message.versions = [_texts(letter, each.reader) for each in messages if each.reader]
    text, html = message.versions[0]
    message.body = text
    if html:
        message.attach_alternative(html, "text/html")
    _add_headers(message, messages, abilities)
    # Where a mail has headers of its own, some providers forget those of all: each gets both.
    shared = message.extra_headers
    message.merge_headers = {address: shared | headers for address, headers in message.merge_headers.items()}
    return message


def _single(outgoing: Outgoing, letter: Letter, reader: Reader, abilities: Abilities) -> AnymailMessage:
    message = _base([outgoing], letter, abilities)
    message.body, html = _texts(letter, reader)
    if html:
        message.attach_alternative(html, "text/html")
    message.extra_headers.update(_personal(reader, abilities))
    if abilities.has_metadata:
        message.metadata = {_SEND: str(outgoing.send_pk)}
    return message


def as_parsed(outgoing: Outgoing, abilities: Abilities) -> AnymailMessage:
    """A message that is bytes only, such as a test of an issue, as what anymail takes."""
    source = message_from_bytes(outgoing.data, policy=modern_policy)
    message = AnymailMessage(
        subject=str(source["Subject"]),
        body=_content(source, "plain"),
        from_email=str(source["From"]),
        to=[str(source["To"])],
        reply_to=[str(source["Reply-To"])] if source["Reply-To"] else None,
        headers={name: str(value) for name, value in source.items() if _is_ours(name, abilities)},
    )
    if html := _content(source, "html"):  # who chose plain text has none
        message.attach_alternative(html, "text/html")
    if abilities.has_metadata:
        message.metadata = {_SEND: str(outgoing.send_pk)}
    return message


def _texts(letter: Letter, reader: Reader) -> tuple[str, str]:
    """The reader's text and HTML; no HTML for who chose plain text."""
    values = dict(reader.values)
    text = fill(letter.mail.text, values)
    if reader.kind == Subscriber.Format.TEXT:
        return text, ""
    return text, fill(letter.mail.html, {name: escape(value) for name, value in values.items()})


def _personal(reader: Reader, abilities: Abilities) -> dict[str, str]:
    headers = personal_headers(reader.message_id, reader.values)
    return {name: value for name, value in headers.items() if _is_ours(name, abilities)}


def _has_html(message: Outgoing) -> bool:
    return message.reader is not None and message.reader.kind != Subscriber.Format.TEXT


def _is_ours(header: str, abilities: Abilities) -> bool:
    return header.lower() not in _SET_BY_ANYMAIL | abilities.unwanted_headers


def _guarded(text: str, abilities: Abilities) -> str:
    """The publisher's own words, of which none may be taken for a mark."""
    return text.replace(abilities.opening, abilities.mark.format(_LITERAL))


def _marked(text: str, abilities: Abilities, *, is_html: bool) -> str:
    return MARK.sub(lambda match: abilities.mark.format(_field(match[1], is_html=is_html)), _guarded(text, abilities))


def _field(slot: str, *, is_html: bool) -> str:
    """The slot's name among the provider's fields; none has a name that means something to a provider already."""
    return f"h_{slot}" if is_html and slot not in _PLAIN else f"t_{slot}"


def _content(source: ParsedMessage, kind: str) -> str:
    part = source.get_body((kind,))
    return str(part.get_content()) if part else ""
