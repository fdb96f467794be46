"""One call of a provider's API, made by anymail, and what its answer means.

Whose fault it is decides everything: no connection, 429 and 503 mean "not now", 401 and 403 "not you", any other 4xx
something in this call, a broken connection and any other 5xx "nobody knows": it may have failed after it was taken.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from functools import lru_cache
from typing import Any, cast

import urllib3.exceptions
from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailMessage
from anymail.utils import parse_address_list
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import mailers
from django.core.mail.backends.base import BaseEmailBackend

from newsletter.delivery.outcomes import Fate, Outcome, SenderRefusedError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.providers.abilities import Abilities
from newsletter.delivery.transports.providers.drafting import draft
from newsletter.lib.addresses import without_address
from newsletter.lib.mail import status_of

MAX_WORDS = 500
LONGEST_RETRY_AFTER = 3600.0  # seconds
_TOO_MANY_REQUESTS, _UNAVAILABLE = 429, 503
_NOT_REACHED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
)
_NOT_MADE = (AnymailInvalidAddress, AnymailSerializationError, AnymailUnsupportedFeature)  # if there is no answer yet
# By name: its library is there only where it is used.
_AMAZON_NOT_REACHED = {"ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError", "SSLError"}


class Kind(Enum):
    """What came of a call as a whole."""

    SETTLED = auto()  # every mail has its outcome
    NOT_NOW = auto()  # nothing was taken: the provider asks for patience
    NOT_REACHED = auto()  # nothing was taken: there is no connection
    NOT_YOU = auto()  # nothing was taken: the provider does not want us
    REJECTED = auto()  # nothing was taken: something in this call is wrong, or so wrong that it could not be made
    LOST = auto()  # handed over, and no answer that says what became of it
    NOT_MADE = auto()  # nothing was taken: something broke that nobody foresaw, before the call
    BROKEN = auto()  # something broke that nobody foresaw, and it may have been taken


@dataclass(frozen=True, slots=True)
class Result:
    kind: Kind
    words: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    error: BaseException | None = None  # what nobody foresaw
    retry_after: float | None = None  # seconds
    ours: frozenset[int] = frozenset()  # the sends whose refusal is of us, not of a reader
    named: frozenset[str] = frozenset()  # the addresses, in small letters, that a rejection names


class Caller:
    """One connection to the provider. Raises SenderRefusedError if the mailer is not set up."""

    def __init__(self, mailer: str, abilities: Abilities) -> None:
        self._abilities = abilities
        try:
            self._backend: BaseEmailBackend = _backend(mailer, abilities)
        except ImproperlyConfigured as error:
            raise SenderRefusedError(words_of(error)) from error

    def open(self) -> None:
        self._backend.open()

    def close(self) -> None:
        self._backend.close()

    def call(self, messages: Sequence[Outgoing]) -> Result:
        """Make the call. What it raises it raised before the call was made."""
        try:
            message = draft(messages, self._abilities)
        except (AnymailError, ValueError) as error:
            return _rejected(messages, error)
        for each in messages:
            if each.note_held:
                each.note_held(False)  # noqa: FBT003 - that is what it is told
        try:
            return self._make(message, messages)
        except BaseException as error:  # noqa: BLE001 (raised when all other calls are answered)
            return Result(Kind.BROKEN, words_of(error, messages), error=error)

    def _make(self, message: AnymailMessage, messages: Sequence[Outgoing]) -> Result:
        try:
            self._backend.send_messages([message])
        except AnymailRecipientsRefused as error:
            return self._settled(messages, error.email_message, words_of(error, messages))
        except AnymailAPIError as error:
            return self._told_apart(messages, error) or _failed(messages, error)
        except (AnymailError, ValueError) as error:
            if isinstance(error, _NOT_MADE) and message.anymail_status.esp_response is None:
                return _rejected(messages, error)
            return Result(Kind.LOST, words_of(error, messages))  # not made, or not understood: nobody can tell which
        except OSError as error:
            return Result(Kind.NOT_REACHED, words_of(error, messages))
        return self._settled(messages, message)

    def _settled(self, messages: Sequence[Outgoing], message: AnymailMessage, words: str = "") -> Result:
        return self._told_apart(messages, message.anymail_status.esp_response) or _by_status(messages, message, words)

    def _told_apart(self, messages: Sequence[Outgoing], answered: Any) -> Result | None:
        """The answer read mail by mail, where the provider answers in their order."""
        response = getattr(answered, "response", answered)  # of an error, or the response itself
        if self._abilities.verdicts is None or response is None:
            return None
        try:
            verdicts = self._abilities.verdicts(response.json())
        except (ValueError, AttributeError, TypeError):
            return None
        if verdicts is None or len(verdicts) != len(messages):
            return None  # of one mail, or of none
        outcomes = [
            Outcome(message.send_pk, verdict.fate, without_address(verdict.words, message.recipient)[:MAX_WORDS])
            for message, verdict in zip(messages, verdicts, strict=True)
        ]
        ours = (message.send_pk for message, verdict in zip(messages, verdicts, strict=True) if verdict.is_ours)
        return Result(Kind.SETTLED, outcomes=outcomes, ours=frozenset(ours))


def _by_status(messages: Sequence[Outgoing], message: AnymailMessage, words: str) -> Result:
    """What anymail says of each recipient, in its own vocabulary."""
    statuses = message.anymail_status.recipients or {}
    outcomes, said = [], {}
    for each in messages:
        status = statuses.get(each.recipient)
        if status is None:
            outcomes.append(Outcome(each.send_pk, Fate.UNKNOWN, "the provider does not say what became of it"))
        elif status.status in {"rejected", "invalid", "failed"}:
            text = without_address(words, each.recipient) or f"{status.status} by the provider"
            outcomes.append(Outcome(each.send_pk, Fate.REFUSED, text))
        elif status.message_id is None and status.status == "unknown":
            outcomes.append(Outcome(each.send_pk, Fate.UNKNOWN, "the provider does not say what became of it"))
        else:
            key = id(status)
            if key not in said:  # in most batches all share one
                said[key] = f"{status.status} {status.message_id or ''}".strip()[:MAX_WORDS]
            outcomes.append(Outcome(each.send_pk, Fate.ACCEPTED, said[key]))
    return Result(Kind.SETTLED, outcomes=outcomes)


def _failed(messages: Sequence[Outgoing], error: AnymailAPIError) -> Result:
    words, status = words_of(error, messages), status_of(error)
    if status in {_TOO_MANY_REQUESTS, _UNAVAILABLE}:
        return Result(Kind.NOT_NOW, words, retry_after=retry_after(error))
    if status is None and _was_not_reached(error):
        return Result(Kind.NOT_REACHED, words)
    if status in {401, 403}:
        return Result(Kind.NOT_YOU, words)
    if status is None or not 400 <= status < 500:
        return Result(Kind.LOST, words)
    return _rejected(messages, error)


def _rejected(messages: Sequence[Outgoing], error: Exception) -> Result:
    return Result(Kind.REJECTED, words_of(error, messages), named=_named(messages, error))


def retry_after(error: AnymailAPIError, *, now: float | None = None) -> float | None:
    """Seconds until the provider may be asked again (RFC 9110 section 10.2.3), an hour at most; None: it says nothing.

    A year, or more than a clock holds, is a mistake of theirs that must not stop a newsletter for good.
    """
    value = str(_headers_of(error).get("retry-after", "")).strip()
    try:
        if value.replace(".", "", 1).isdecimal():
            return min(float(value), LONGEST_RETRY_AFTER)
        moment = parsedate_to_datetime(value).timestamp()
    except (OverflowError, TypeError, ValueError):
        return None
    return min(max(moment - (time.time() if now is None else now), 0.0), LONGEST_RETRY_AFTER)


def _headers_of(error: AnymailAPIError) -> Mapping[str, str]:
    """Of the answer; their names in small letters will do."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # as boto3 has it
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    else:
        headers = response.headers if response is not None else {}
    return cast(Mapping[str, str], headers)


def words_of(error: BaseException, messages: Sequence[Outgoing] = ()) -> str:
    """On one line. The ledger and the log keep it, so it must not name any reader."""
    words = " ".join(str(error).split())[: 10 * MAX_WORDS]
    for message in messages:
        if message.recipient.lower() in words.lower():
            words = without_address(words, message.recipient)
    return words[:MAX_WORDS]


def _named(messages: Sequence[Outgoing], error: Exception) -> frozenset[str]:
    text = str(error).lower()
    return frozenset(message.recipient.lower() for message in messages if message.recipient.lower() in text)


def _was_not_reached(error: AnymailAPIError) -> bool:
    """Whether no connection came about, so that nothing can have been taken."""
    cause = error.__cause__  # what requests raised, around what urllib3 raised
    if type(cause).__module__ == "botocore.exceptions":
        return type(cause).__name__ in _AMAZON_NOT_REACHED
    return bool(cause and cause.args) and isinstance(getattr(cause.args[0], "reason", None), _NOT_REACHED)


class Prepared:
    """Mixed into anymail's payloads: takes addresses that are parsed already, and texts of a mail's own."""

    def serialize_json(self: Any, data: Any) -> Any:
        path, text, html = self.abilities.versions
        versions = getattr(self.message, "versions", None)
        mails = (data.get(path) if path and isinstance(data, dict) else data) if versions else None
        if isinstance(mails, list) and versions and len(mails) == len(versions):
            for mail, (its_text, its_html) in zip(mails, versions, strict=True):
                mail[text] = its_text
                if its_html:
                    mail[html] = its_html
        return super().serialize_json(data)  # type: ignore[misc]

    def get_request_params(self: Any, api_url: str) -> Any:
        params = super().get_request_params(api_url)  # type: ignore[misc]
        if name := self.abilities.idempotency_header:
            params["headers"][name] = self.message.idempotency_key
        if isinstance(params["data"], dict) and (variables := params["data"].pop("recipient-variables", None)):
            # As a part of a multipart form: to percent-encode half a megabyte takes longer than all the rest.
            params["files"] = [*(params["files"] or []), ("recipient-variables", (None, variables))]
        return params


def _addresses(values: Any, field: str | None = None) -> Any:
    return values if values and not isinstance(values[0], str) else parse_address_list(values)


@lru_cache
def _backend_class(path: str, abilities: Abilities) -> Any:
    """Anymail's backend, with our payload."""
    module = importlib.import_module(path.rpartition(".")[0])
    payload = getattr(module, abilities.payload)
    attributes = tuple(
        (name, combiner, _addresses if name == "to" else converter)
        for name, combiner, converter in payload.base_message_attrs
    )
    ours = type(
        f"Prepared{abilities.payload}",
        (Prepared, payload),
        {"base_message_attrs": attributes, "abilities": abilities},
    )

    def build(self: Any, message: Any, defaults: Any) -> Any:
        return ours(message, defaults, self)

    return type("PreparedBackend", (module.EmailBackend,), {"build_message_payload": build})


def _backend(mailer: str, abilities: Abilities) -> BaseEmailBackend:
    entry = settings.MAILERS[mailer]
    if not abilities.payload:
        return mailers[mailer]
    backend: BaseEmailBackend = _backend_class(entry["BACKEND"], abilities)(alias=mailer, **entry.get("OPTIONS", {}))
    return backend
