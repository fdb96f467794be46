"""Erasing a person. What is left is anonymous: the proof of consent and a keyed hash on the suppression list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from newsletter.lib.addresses import address_hash, address_key
from newsletter.subscribers.importing.forgetting import forget
from newsletter.subscribers.models import (
    AddressChange,
    ConfirmationMail,
    ConsentRecord,
    Farewell,
    Newsletter,
    PersonalMail,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe_from_all


@dataclass(frozen=True, slots=True)
class Erased:
    """For telling the person: the names of the newsletters that ended, and how many proofs lost their name."""

    newsletters: tuple[str, ...]
    consent_count: int


@transaction.atomic
def erase(*, subscriber: Subscriber, now: datetime) -> Erased:
    """Delete the person with everything that is theirs, and make sure that no import brings them back.

    That goes for the addresses that they moved away from, too, unless somebody else has one by now.
    """
    living = subscriber.subscriptions.exclude(status=Subscription.Status.ENDED)
    newsletters = tuple(living.order_by("newsletter__position", "pk").values_list("newsletter__name", flat=True))
    unsubscribe_from_all(subscriber=subscriber, method=ConsentRecord.Method.ERASURE, now=now)
    addresses = _addresses(subscriber)
    hashes = [address_hash(email) for email in addresses]
    for email in addresses:
        suppress(email=email, reason=Suppression.Reason.ERASED, now=now)
    proofs = ConsentRecord.objects.filter(Q(subscriber=subscriber) | Q(address_hash__in=hashes))
    consent_count = proofs.anonymize()
    ConfirmationMail.objects.filter(address_hash__in=hashes).delete()
    PersonalMail.objects.filter(email__in=addresses).delete()
    forget(keys={address_key(email) for email in addresses}, hashes=hashes)
    Farewell.objects.filter(subscription__subscriber=subscriber).update(words="")
    _forget_at_the_desk(subscriber, addresses)
    _take_off_test_lists(addresses)
    subscriber.delete()
    return Erased(newsletters=newsletters, consent_count=consent_count)


def _forget_at_the_desk(subscriber: Subscriber, addresses: list[str]) -> None:
    """What editors did to the person stays, without who it was: the admin's log calls rows by their addresses."""
    of_row = Q(content_type=ContentType.objects.get_for_model(Subscriber), object_id=str(subscriber.pk))
    pks = set(LogEntry.objects.filter(of_row).values_list("pk", flat=True))
    for email in addresses:
        # not joan@example.org for an@example.org
        whole = re.compile(rf"(?<!\w)(?<!\w[.+-]){re.escape(email)}(?![\w-]|\.\w)", re.IGNORECASE)
        named = LogEntry.objects.filter(Q(object_repr__icontains=email) | Q(change_message__icontains=email))
        for pk, *texts in named.values_list("pk", "object_repr", "change_message"):
            pks.update([pk] if any(map(whole.search, texts)) else [])
    LogEntry.objects.filter(pk__in=pks).update(object_repr=_("erased person"), change_message="")


def _take_off_test_lists(addresses: list[str]) -> None:
    keys = {address_key(email) for email in addresses}
    for newsletter in Newsletter.objects.select_for_update(no_key=True).exclude(test_addresses=[]).order_by("pk"):
        kept = [email for email in newsletter.test_addresses if address_key(email) not in keys]
        if len(kept) < len(newsletter.test_addresses):
            newsletter.test_addresses = kept
            newsletter.save(update_fields=["test_addresses"])


def _addresses(subscriber: Subscriber) -> list[str]:
    """The person's address, and those that were theirs before."""
    changes = subscriber.address_changes.filter(status=AddressChange.Status.DONE)
    earlier = set(changes.values_list("old_email", flat=True))
    of_others = Subscriber.objects.filter(address_key__in=map(address_key, earlier)).exclude(pk=subscriber.pk)
    keys = {subscriber.address_key, *of_others.values_list("address_key", flat=True)}
    return [subscriber.email, *(email for email in sorted(earlier) if address_key(email) not in keys)]
