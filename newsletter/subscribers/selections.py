"""What the desk does to several readers at once. Each says how many it happened to; the others had it already."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from newsletter.subscribers import privacy, suppression
from newsletter.subscribers.models import ConsentRecord, Label, Newsletter, Subscriber, Subscription, Suppression
from newsletter.subscribers.spreadsheet import safe_cell
from newsletter.subscribers.unsubscribing import unsubscribe

COLUMNS = ("email", "name", "language", "time_zone", "first_signed_up_at", "newsletters", "labels")


def add_label(*, subscribers: Sequence[Subscriber], label: Label) -> int:
    through = Subscriber.labels.through
    pks = [subscriber.pk for subscriber in subscribers]
    had = set(through.objects.filter(label=label, subscriber__in=pks).values_list("subscriber_id", flat=True))
    rows = [through(subscriber_id=pk, label_id=label.pk) for pk in pks if pk not in had]
    through.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def remove_label(*, subscribers: Sequence[Subscriber], label: Label) -> int:
    rows = Subscriber.labels.through.objects.filter(label=label, subscriber__in=subscribers)
    count, _by_model = rows.delete()
    return count


@transaction.atomic
def unsubscribe_from(*, subscribers: Sequence[Subscriber], newsletter: Newsletter, now: datetime) -> int:
    """End this newsletter for them, with a consent record each, as they asked an editor to."""
    rows = Subscription.objects.filter(newsletter=newsletter, subscriber__in=subscribers).select_related("subscriber")
    method = ConsentRecord.Method.EDITOR
    return sum(unsubscribe(subscription=each, method=method, now=now) for each in rows.order_by("pk"))


@transaction.atomic
def suppress_all(*, subscribers: Sequence[Subscriber], note: str, now: datetime) -> int:
    """Never mail them again. Their subscriptions stay as they are, and are left out of every issue."""
    hashes = [subscriber.address_hash for subscriber in subscribers]
    had = set(Suppression.objects.filter(address_hash__in=hashes).values_list("address_hash", flat=True))
    new = [subscriber for subscriber in subscribers if subscriber.address_hash not in had]
    for subscriber in new:
        suppression.suppress(email=subscriber.email, reason=Suppression.Reason.BY_HAND, note=note, now=now)
    return len(new)


def erase_all(*, subscribers: Iterable[Subscriber], now: datetime) -> int:
    """Erase each of them for good, one transaction each."""
    count = 0
    for subscriber in subscribers:
        privacy.erase(subscriber=subscriber, now=now)
        count += 1
    return count


def as_csv(subscribers: Sequence[Subscriber]) -> str:
    """One row for each reader, harmless to spreadsheet programs. Their subscriptions and labels are prefetched."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for subscriber in subscribers:
        gets = [f"{each.newsletter.slug} ({each.status})" for each in subscriber.subscriptions.all()]
        labels = [label.name for label in subscriber.labels.all()]
        cells = [
            subscriber.email, subscriber.name, subscriber.language, subscriber.time_zone,
            subscriber.created_at.isoformat(timespec="seconds"), "; ".join(gets), "; ".join(labels),
        ]  # fmt: skip
        writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue()
