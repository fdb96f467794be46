"""Everything needed to move to another system, or back into this one, which loses nothing: see importing/restoring.py.

One row for each subscription with plain columns that any other product can map, and three columns of JSON with what
only we know; then people without a subscription, then the addresses that must never be mailed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch

from newsletter.subscribers.importing.restoring import hash_key_mark, tell
from newsletter.subscribers.models import (
    ConsentRecord,
    Newsletter,
    Subscriber,
    Subscription,
    Suppression,
    TopicSet,
)
from newsletter.subscribers.spreadsheet import safe_cell

COLUMNS = (
    "email", "name", "newsletter", "status", "cadence", "topics", "language", "time_zone", "signed_up_at",
    "confirmed_at", "ended_at", "ended_reason", "consent_at", "consent_ip", "consent_text", "note", "address_hash",
    "hash_key", "person", "subscription", "consents",
)  # fmt: skip
SUPPRESSION_COLUMNS = ("email", "reason", "note", "since", "address_hash", "hash_key")
CHUNK = 2000
type Row = dict[str, str]


def export_rows(newsletter: Newsletter | None = None) -> Iterator[Row]:
    """Rows under ``COLUMNS``, of one newsletter or of everything; memory use does not depend on how many there are."""
    yield from _subscriptions(newsletter)
    if newsletter is None:
        yield from _people()
        for row in suppression_rows():
            yield {"email": row["email"], "status": row["reason"], "ended_at": row["since"], "note": row["note"],
                   "address_hash": row["address_hash"], "hash_key": row["hash_key"]}  # fmt: skip


def suppression_rows() -> Iterator[Row]:
    """Rows under ``SUPPRESSION_COLUMNS``; of erased people only the keyed hash, of use where the key is the same."""
    mark = hash_key_mark()
    for suppressed in Suppression.objects.order_by("pk").iterator(chunk_size=CHUNK):
        yield {
            "email": suppressed.email, "reason": suppressed.reason, "note": suppressed.note,
            "since": _iso(suppressed.created_at), "address_hash": "" if suppressed.email else suppressed.address_hash,
            "hash_key": "" if suppressed.email else mark,
        }  # fmt: skip


def as_csv(columns: Iterable[str], rows: Iterable[Mapping[str, str]], *, raw: bool = False) -> Iterator[str]:
    """Lines of CSV, the header first. What a spreadsheet would compute is defused unless ``raw``."""
    names = list(columns)
    writer = csv.writer(_Echo(), lineterminator="\n")
    yield writer.writerow(names)
    for row in rows:
        cells = [row.get(name, "") for name in names]
        yield writer.writerow(cells if raw else map(safe_cell, cells))


class _Echo:
    """A file for ``csv.writer`` that gives back what it is told to write."""

    def write(self, text: str) -> str:
        return text


def _subscriptions(newsletter: Newsletter | None) -> Iterator[Row]:
    topics = {each.pk: " ".join(topic.slug for topic in each.topics.all())
              for each in TopicSet.objects.prefetch_related("topics")}  # fmt: skip
    rows = Subscription.objects.filter(**({"newsletter": newsletter} if newsletter else {}))
    consents = Prefetch(
        "subscriber__consent_records", ConsentRecord.objects.select_related("wording").order_by("pk"), to_attr="proofs"
    )
    rows = rows.select_related("subscriber", "newsletter").prefetch_related("subscriber__labels", consents)
    for subscription in rows.order_by("pk").iterator(chunk_size=CHUNK):
        yield _row(subscription, topics.get(subscription.topic_set_id or 0, ""))


def _row(subscription: Subscription, topics: str) -> Row:
    proofs: list[ConsentRecord] = subscription.subscriber.proofs  # type: ignore[attr-defined]
    mine = [proof for proof in proofs if proof.newsletter_id == subscription.newsletter_id]
    given = [proof for proof in mine if proof.action == ConsentRecord.Action.GIVEN]
    last = given[-1] if given else None
    return _person(subscription.subscriber) | {
        "newsletter": subscription.newsletter.slug,
        "status": subscription.status,
        "cadence": subscription.cadence,
        "topics": topics,
        "signed_up_at": _iso(subscription.created_at),
        "confirmed_at": _iso(subscription.confirmed_at),
        "ended_at": _iso(subscription.ended_at),
        "ended_reason": subscription.ended_reason,
        "consent_at": _iso(last.asked_at or subscription.confirmed_at) if last else "",
        "consent_ip": (last.ip_address or last.confirmation_ip or "") if last else "",
        "consent_text": last.wording.text if last and last.wording else "",
        "subscription": _json(tell(subscription)),
        "consents": json.dumps([_consent(proof) for proof in mine], ensure_ascii=False),
    }


def _consent(proof: ConsentRecord) -> dict[str, str | None]:
    if proof.wording is None:
        return tell(proof)
    return {**tell(proof), "wording": proof.wording.text, "wording_language": proof.wording.language}


def _people() -> Iterator[Row]:
    """Those without a subscription."""
    none = ~Exists(Subscription.objects.filter(subscriber=OuterRef("pk")))
    rows = Subscriber.objects.filter(none).prefetch_related("labels").order_by("pk")
    for subscriber in rows.iterator(chunk_size=CHUNK):
        yield _person(subscriber)


def _person(subscriber: Subscriber) -> Row:
    labels = [label.name for label in subscriber.labels.all()]
    return {
        "email": subscriber.email, "name": subscriber.name, "language": subscriber.language,
        "time_zone": subscriber.time_zone, "person": _json({**tell(subscriber), "labels": labels}),
    }  # fmt: skip


def _json(values: Mapping[str, object]) -> str:
    """Without what is as it always is."""
    return json.dumps(
        {name: value for name, value in values.items() if value not in (None, "", [])}, ensure_ascii=False
    )


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
