"""What only our own export knows: every further field of a reader and a subscription, labels, and the whole history of
consent. Fields that are added to the models later travel along without a line here.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.translation import gettext as _

from newsletter.subscribers.importing.values import RefusedRow
from newsletter.subscribers.models import ConsentRecord, Label, Subscriber, Subscription

# In columns of their own, or of no meaning anywhere else.
_NOT_TOLD: Mapping[type[models.Model], frozenset[str]] = {
    Subscriber: frozenset({"id", "email", "address_key", "address_hash", "name", "language", "time_zone",
                           "link_version", "import_run"}),
    Subscription: frozenset({"id", "subscriber", "newsletter", "status", "cadence", "topic_set", "confirmed_at",
                             "created_at", "ended_at", "import_run"}),
    ConsentRecord: frozenset({"id", "subscriber", "address_hash", "newsletter", "wording", "import_run"}),
}  # fmt: skip
MAX_CONSENTS, MAX_LABELS = 200, 100
MAX_LABELS_OF_ALL = 500  # some products keep a tag for each link that was ever clicked


@dataclass(frozen=True, slots=True)
class Consent:
    wording: tuple[str, str]  # text and language; "" for a withdrawal
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Own:
    person: Mapping[str, Any]
    labels: list[str]
    subscription: Mapping[str, Any]
    consents: Sequence[Consent]


def hash_key_mark() -> str:
    """By which an export and a site tell whether their keyed hashes are of one key."""
    return hmac.digest(settings.ADDRESS_HASH_KEY.encode(), b"broadsheet", "sha256").hex()[:12]


def told_fields(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if field.name not in _NOT_TOLD[model]]


def tell(row: models.Model) -> dict[str, str | None]:
    """The further fields of a row as text."""
    return {field.name: _as_text(field, row) for field in told_fields(type(row))}


def _as_text(field: Any, row: models.Model) -> str | None:
    value = field.value_from_object(row)
    if value is None:
        return None
    # Django's own text of a time has lost its microseconds.
    return value.isoformat() if isinstance(value, datetime) else str(field.value_to_string(row))


def parse_own(person: str, subscription: str, consents: str) -> Own:
    """The inverse of what exporting writes. Raises RefusedRow."""
    try:
        about, letter, history = (json.loads(text or empty) for text, empty in
                                  ((person, "{}"), (subscription, "{}"), (consents, "[]")))  # fmt: skip
        labels = [str(label).encode().decode()[:60] for label in about.pop("labels", [])][:MAX_LABELS]
        told = [_consent(each) for each in history[:MAX_CONSENTS]]
        return Own(_values(Subscriber, about), labels, _values(Subscription, letter), told)
    except (ValueError, TypeError, AttributeError, RecursionError, ValidationError) as error:
        raise RefusedRow(_("the columns of our own export are damaged")) from error


def _consent(told: dict[str, Any]) -> Consent:
    wording = (str(told.pop("wording", "") or "").encode().decode(), str(told.pop("wording_language", "") or "")[:16])
    values = _values(ConsentRecord, told)
    if "at" not in values or (values.get("action") == "given" and not wording[0]):
        raise ValueError("a consent without its time or wording")
    return Consent(wording, values)


def _values(model: type[models.Model], told: Mapping[str, Any]) -> dict[str, Any]:
    fields = {field.name: field for field in told_fields(model)}
    values: dict[str, Any] = {}
    for name, text in told.items():
        if (field := fields.get(name)) is None or field.remote_field:
            continue
        str(text).encode()  # half a character (a lone surrogate) is none
        if text is None and field.null:
            values[field.attname] = None
        else:
            value = field.to_python(str(text).replace("\0", ""))
            if not (field.blank and value == ""):
                field.run_validators(value)
                field.validate(value, None)
            values[field.attname] = value
    return values


def prepared(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """As the database takes them."""
    fields = {field.attname: field for field in told_fields(model)}
    return {name: fields[name].get_db_prep_save(value, connection) for name, value in values.items()}


def add_labels(labels: Iterable[tuple[int, list[str]]]) -> None:
    """Put these labels on these subscribers, making those that are new, as far as the desk has room for more."""
    wanted = [(pk, name) for pk, names in labels for name in names]
    if not wanted:
        return
    pks = dict(Label.objects.values_list("name", "pk"))
    new = [name for name in dict.fromkeys(name for _pk, name in wanted) if name not in pks]
    if new and len(pks) < MAX_LABELS_OF_ALL:
        new = new[: MAX_LABELS_OF_ALL - len(pks)]
        Label.objects.bulk_create([Label(name=name) for name in new], ignore_conflicts=True)
        pks = dict(Label.objects.values_list("name", "pk"))
    through = Subscriber.labels.through
    through.objects.bulk_create(
        [through(subscriber_id=pk, label_id=pks[name]) for pk, name in wanted if name in pks],
        ignore_conflicts=True,
        batch_size=1000,
    )
