"""From one address to another: asked for behind the signed link, made at the new address, undone from the old one.

The link alone must not be enough: it stands in every mail, and mails are passed on. So the new address has to confirm
with a click, and the old one hears of it and can take it back for seven days. Links in earlier mails go on working
all the while, because they speak of rows, not of addresses.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction

from newsletter.lib.addresses import address_hash, address_key
from newsletter.subscribers import changes, limits, personal_mail, renewing_link
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber, Subscription
from newsletter.subscribers.models.address_changes import UNDO_PERIOD
from newsletter.subscribers.signup import validity
from newsletter.subscribers.suppression import is_suppressed

MOST_A_DAY = 3
LIVING = (Subscription.Status.ACTIVE, Subscription.Status.PAUSED)
Status = AddressChange.Status


class Outcome(StrEnum):
    DONE = "done"
    TOO_LATE = "too_late"
    TAKEN = "taken"  # somebody gets newsletters at this address
    SUPPRESSED = "suppressed"


def has_asked_enough(subscriber: Subscriber, now: datetime) -> bool:
    """Has this person named so many addresses within a day that we mail no further one for them?"""
    asked = AddressChange.objects.filter(subscriber=subscriber, created_at__gt=now - timedelta(days=1))
    return asked.count() >= MOST_A_DAY


@transaction.atomic
def ask(*, subscriber: Subscriber, new_email: str, now: datetime, is_unproven: bool = False) -> PersonalMail | None:
    """Note the wish, and the mail that is owed to the new address, whoever may have that.

    None if there is nothing to do: it is their address already, or they have asked too often today. An earlier wish
    that was not confirmed is dropped.
    """
    if new_email == subscriber.email or has_asked_enough(subscriber, now):
        return None
    for change in AddressChange.objects.filter(subscriber=subscriber, status=Status.ASKED):
        change.drop()
    change = AddressChange.objects.create(
        subscriber=subscriber, old_email=subscriber.email, new_email=new_email,
        created_at=now, expires_at=now + validity(),
    )  # fmt: skip
    kind = PersonalMail.Kind.CONFIRM_ADDRESS
    return personal_mail.owe_of_change(kind, email=new_email, change=change, now=now, is_unproven=is_unproven)


def make(*, change: AddressChange, now: datetime) -> tuple[Outcome, PersonalMail | None]:
    """The owner of the new address has confirmed. Returns what happened, and the mail that the old address is owed."""
    if not change.may_be_made(now):
        return made_before(change, now), None
    if is_suppressed(change.new_email):
        return Outcome.SUPPRESSED, None
    try:
        return _make(change, now)
    except IntegrityError:  # somebody signed up with the address in the same moment
        return Outcome.TAKEN, None


def undo(*, change: AddressChange, now: datetime) -> Outcome:
    """The owner of the old address takes it back. Links to the person's page that were mailed before are revoked.

    It also takes back what came after it, or a thief would only have to move on once more.
    """
    if not change.may_be_undone(now):
        return undone_before(change, now)
    try:
        return _undo(change, now)
    except IntegrityError:
        return Outcome.TAKEN


def made_before(change: AddressChange, now: datetime) -> Outcome:
    """What a link says that made the change: DONE only for a while, and while the person is still where it led them.

    Whoever reads the mail of an address that they have left since must learn nothing of where they are.
    """
    is_there = change.status == Status.DONE and change.subscriber.email == change.new_email
    return Outcome.DONE if is_there and now < change.expires_at else Outcome.TOO_LATE


def undone_before(change: AddressChange, now: datetime) -> Outcome:
    """The same for a link that took the change back."""
    is_there = change.status == Status.UNDONE and change.subscriber.email == change.old_email
    is_fresh = change.changed_at is not None and now < change.changed_at + UNDO_PERIOD
    return Outcome.DONE if is_there and is_fresh else Outcome.TOO_LATE


@transaction.atomic
def _make(change: AddressChange, now: datetime) -> tuple[Outcome, PersonalMail | None]:
    subscriber = Subscriber.objects.select_for_update().get(pk=change.subscriber_id)
    if not _make_room(subscriber, change.new_email):
        return Outcome.TAKEN, None
    if not change.make(now):
        return Outcome.TOO_LATE, None
    _move(subscriber, change.new_email, now)
    limits.start_anew(address_hash(change.new_email))
    kind = PersonalMail.Kind.ADDRESS_CHANGED
    return Outcome.DONE, personal_mail.owe_of_change(kind, email=change.old_email, change=change, now=now)


@transaction.atomic
def _undo(change: AddressChange, now: datetime) -> Outcome:
    subscriber = Subscriber.objects.select_for_update().get(pk=change.subscriber_id)
    if not _make_room(subscriber, change.old_email):
        return Outcome.TAKEN
    if not change.undo(now):
        return Outcome.TOO_LATE
    for later in AddressChange.objects.filter(subscriber=subscriber, pk__gt=change.pk):
        _ = later.undo(now) or later.drop()
    _move(subscriber, change.old_email, now)
    renewing_link.make_old_links_useless(subscriber=subscriber, author=changes.READER, now=now)
    return Outcome.DONE


def _move(subscriber: Subscriber, email: str, now: datetime) -> None:
    with changes.recorded(subscriber, author=changes.READER, now=now):
        subscriber.email = email
        subscriber.save(update_fields=["email", "address_key", "address_hash"])


def _make_room(subscriber: Subscriber, email: str) -> bool:
    """Nobody else may have the address. Who has it but gets nothing gives way; what they once ended stays ended.

    False if somebody gets mail at it. They are most likely the same person, but joining two people's wishes and
    consents is for them to do, newsletter by newsletter.
    """
    holder = Subscriber.objects.filter(address_key=address_key(email)).exclude(pk=subscriber.pk).first()
    if holder is None:
        return True
    if holder.subscriptions.filter(status__in=LIVING).exists():
        return False
    known = subscriber.subscriptions.values("newsletter")
    ended = holder.subscriptions.filter(status=Subscription.Status.ENDED)
    ended.exclude(newsletter__in=known).update(subscriber=subscriber)
    holder.delete()
    return True
