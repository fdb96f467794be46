"""Opens and clicks are measured only where the newsletter says so and the reader agreed: here they do, or take it back.

It is a tick of its own, never set by us, by an import or by an editor. Nothing depends on it: who leaves it unticked
gets the same mails, with plain links.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from newsletter.subscribers.models import ConsentRecord, MeasuringConsent, Newsletter, Subscriber, Subscription

FIELD = "measuring"  # of the forms


def words() -> str:
    """What stands beside the tick, in the active language, and is kept as what was agreed to."""
    return _("You may measure whether I open your mails and which links in them I follow. I can end this at any time.")


def is_offered(newsletters: Iterable[Newsletter]) -> bool:
    """Whether a form for these asks at all."""
    return any(each.is_measured for each in newsletters)


def allow(subscriber: Subscriber, *, allows: bool, method: ConsentRecord.Method, now: datetime) -> bool:
    """Make it so at once, with its proof. False if it was so before. Only in a transaction that keeps changes."""
    changed = Subscriber.objects.filter(pk=subscriber.pk).exclude(allows_measuring=allows)
    subscriber.allows_measuring = allows
    if not changed.update(allows_measuring=allows):
        return False
    action = ConsentRecord.Action.GIVEN if allows else ConsentRecord.Action.WITHDRAWN
    MeasuringConsent.objects.create(
        subscriber=subscriber, address_hash=subscriber.address_hash, action=action, method=method, words=words(), at=now
    )
    return True


def measured(newsletter: Newsletter) -> QuerySet[Subscriber]:
    """Its active readers who agreed; nobody where nothing is measured."""
    if not newsletter.is_measured:
        return Subscriber.objects.none()
    active = Subscription.objects.filter(newsletter=newsletter, status=Subscription.Status.ACTIVE)
    return Subscriber.objects.filter(Exists(active.filter(subscriber=OuterRef("pk"))), allows_measuring=True)
