"""A provider's API through django-anymail, one call per message. Batches with merge data come with their own module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern_policy
from types import TracebackType
from typing import Self

import urllib3.exceptions
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend

from newsletter.delivery.outcomes import Fate, Outcome, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.lib.addresses import without_address

_SET_BY_DJANGO = {"from", "to", "reply-to", "subject", "mime-version", "content-type", "content-transfer-encoding"}
_TOO_MANY_REQUESTS = 429
_NOT_REACHED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
)
# As many in a row are no reader's fault: the provider is ill, or refuses us.
_MAX_FAILURES, _MAX_RECIPIENT_REFUSALS = 3, 10


class ProviderTransport:
    """A Transport over the mailer with this name in MAILERS. Raises SenderRefusedError if that is not set up."""

    def __init__(self, mailer: str) -> None:
        try:
            self._backend: BaseEmailBackend = mailers[mailer]
        except ImproperlyConfigured as error:
            raise SenderRefusedError(_words(error)) from error
        self._failures: list[Outcome] = []
        self._recipient_refusals: list[Outcome] = []

    def __enter__(self) -> Self:
        self._backend.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._backend.close()

    def deliver(self, messages: Iterable[Outgoing]) -> Iterator[Outcome]:
        for message in messages:
            yield self._deliver(message)
            self._take_stock()  # only now, when what became of the message is noted

    def _deliver(self, message: Outgoing) -> Outcome:
        try:
            self._backend.send_messages([as_django_message(message)])
        except AnymailRecipientsRefused as error:
            return self._refused_recipient(Outcome(message.send_pk, Fate.REFUSED, _words(error, message)))
        except AnymailAPIError as error:
            return self._failed(Outcome(message.send_pk, self._fate(error, message), _words(error, message)))
        except (AnymailError, ValueError) as error:
            # The message could not be made, or the answer to it not be read: which of them, nobody can tell.
            return self._failed(Outcome(message.send_pk, Fate.UNKNOWN, _words(error, message)))
        except OSError as error:
            raise TransportDownError(_words(error, message)) from error
        self._failures, self._recipient_refusals = [], []
        return Outcome(message.send_pk, Fate.ACCEPTED)

    def _fate(self, error: AnymailAPIError, message: Outgoing) -> Fate:
        status = getattr(error, "status_code", None)
        if status == _TOO_MANY_REQUESTS or _was_not_reached(error):
            raise TransportDownError(_words(error, message)) from error
        if status in {401, 403}:
            raise SenderRefusedError(_words(error, message)) from error
        if status is None or status < 400:
            return Fate.UNKNOWN  # the request may have arrived: whether it was taken is not known
        return Fate.DEFERRED if status >= 500 else Fate.REFUSED

    def _failed(self, outcome: Outcome) -> Outcome:
        self._failures.append(outcome)
        return outcome

    def _refused_recipient(self, outcome: Outcome) -> Outcome:
        self._recipient_refusals.append(outcome)
        return outcome

    def _take_stock(self) -> None:
        if len(self._recipient_refusals) >= _MAX_RECIPIENT_REFUSALS:
            raise SenderRefusedError(self._recipient_refusals[-1].response)
        if len(self._failures) < _MAX_FAILURES:
            return
        if any(failure.fate == Fate.REFUSED for failure in self._failures):
            raise SenderRefusedError(self._failures[-1].response)
        raise TransportDownError(self._failures[-1].response)


def _was_not_reached(error: AnymailAPIError) -> bool:
    """Whether no connection came about, so that nothing can have been taken."""
    cause = error.__cause__  # what requests raised, around what urllib3 raised
    return bool(cause and cause.args) and isinstance(getattr(cause.args[0], "reason", None), _NOT_REACHED)


def as_django_message(message: Outgoing) -> EmailMultiAlternatives:
    """The wire bytes as the object that anymail takes, with the send's id as metadata for its webhooks."""
    source = message_from_bytes(message.data.replace(b"\r\n..", b"\r\n."), policy=modern_policy)
    django_message = EmailMultiAlternatives(
        subject=str(source["Subject"]),
        body=_content(source, "plain"),
        from_email=str(source["From"]),
        to=[str(source["To"])],
        reply_to=[str(source["Reply-To"])] if source["Reply-To"] else None,
        headers={name: str(value) for name, value in source.items() if name.lower() not in _SET_BY_DJANGO},
    )
    if html := _content(source, "html"):  # who chose plain text has none
        django_message.attach_alternative(html, "text/html")
    django_message.metadata = {"send": str(message.send_pk)}  # type: ignore[attr-defined]
    return django_message


def _content(source: EmailMessage, kind: str) -> str:
    part = source.get_body((kind,))
    return str(part.get_content()) if part else ""


def _words(error: Exception, message: Outgoing | None = None) -> str:
    """On one line. The ledger and the log keep it, so it must not name the reader."""
    words = " ".join(str(error).split())
    return (without_address(words, message.recipient) if message else words)[:500]
