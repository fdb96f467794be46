"""Who of some sends may be mailed at this moment, as plain rows: no model instance is made on the way to a message."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import BooleanField, Exists, FilteredRelation, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from newsletter.delivery.models import Campaign, Send
from newsletter.subscribers.models import Subscription, Suppression


class Recipient(NamedTuple):
    """One send and all that its message needs to know of the reader."""

    send_pk: int
    edition_id: int
    subscriber_id: int
    subscription_id: int
    email: str
    name: str
    format: str  # a Subscriber.Format
    link_version: int  # of the link to their page
    signed_up_at: datetime
    attempt_count: int
    reason: str  # of the send: that its outcome is unknown already, for example
    allows_measuring: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the database says of some sends: in the order of their editions, or by the reason they must be skipped."""

    mailable: list[Recipient] = field(default_factory=list)
    skipped: dict[Send.Reason, list[int]] = field(default_factory=dict)


def ask(campaign: Campaign, pks: Collection[int]) -> Answer:
    """Ask consent and suppression for these sends, those that are queued, as of now. One query for all of them."""
    answer = Answer()
    active = str(Subscription.Status.ACTIVE)
    for row in _rows(campaign.issue.newsletter_id, pks):
        status, is_suppressed = row[-2:]
        if status != active:  # or none: they were erased
            answer.skipped.setdefault(Send.Reason.LEFT, []).append(row[0])
        elif is_suppressed:
            answer.skipped.setdefault(Send.Reason.SUPPRESSED, []).append(row[0])
        else:
            answer.mailable.append(Recipient(*row[:-2]))
    return answer


def among(pks: Collection[int]) -> RawSQL:
    """A condition for sends: these ids as one parameter, which costs no more to parse and plan than one of them.

    As PostgreSQL is asked it knows how many they are, and looks them up instead of reading the ledger from end to end.
    """
    given = ",".join(map(str, pks))
    if connection.vendor == "postgresql":
        return RawSQL("delivery_send.id = ANY(%s::bigint[])", [f"{{{given}}}"], output_field=BooleanField())
    return RawSQL("delivery_send.id IN (SELECT value FROM json_each(%s))", [f"[{given}]"], output_field=BooleanField())


def _rows(newsletter_id: int, pks: Collection[int]) -> Any:
    suppressed = Suppression.objects.filter(address_hash=OuterRef("subscriber__address_hash"))
    theirs = FilteredRelation(
        "subscriber__subscriptions", condition=Q(subscriber__subscriptions__newsletter=newsletter_id)
    )
    queued = Send.objects.filter(among(pks), status=Send.Status.QUEUED)
    sends = queued.annotate(theirs=theirs, is_suppressed=Exists(suppressed))
    return sends.order_by("edition_id", "pk").values_list(
        "pk", "edition_id", "subscriber_id", "theirs__pk", "subscriber__email", "subscriber__name",
        "subscriber__format", "subscriber__link_version", Coalesce("theirs__confirmed_at", "theirs__created_at"),
        "attempt_count", "reason", "subscriber__allows_measuring", "theirs__status", "is_suppressed",
    )  # fmt: skip
