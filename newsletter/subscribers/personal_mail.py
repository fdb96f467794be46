"""Mails about a person's own record: the link to their page, and the two that a change of address needs.

A page only notes what is owed; a worker looks up who has the address and sends. So the answer takes the same time for
every address, and what a mail server cannot take now is tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet
from django.urls import reverse

from newsletter.lib import mail
from newsletter.lib.addresses import address_hash, address_key, redacted
from newsletter.subscribers import limits, lowering
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber
from newsletter.subscribers.models.address_changes import UNDO_PERIOD
from newsletter.subscribers.models.owed import BATCH
from newsletter.subscribers.models.owed import HEAD_START as HEAD_START
from newsletter.subscribers.owed_mail import hand_over
from newsletter.subscribers.suppression import is_suppressed
from newsletter.subscribers.welcoming import leaving_headers

PATIENCE = timedelta(days=1)  # whoever asked for their link has given up by then
KEPT = timedelta(days=30)  # what became of it, without the address
Kind, Reason = PersonalMail.Kind, PersonalMail.Reason


def ask_for_link(*, email: str, now: datetime) -> PersonalMail:
    """Somebody typed this address, which has passed parse_address, to get the link to their page."""
    return owe(kind=Kind.MY_LINK, email=email, now=now)


def owe(*, kind: PersonalMail.Kind, email: str, now: datetime, change: AddressChange | None = None) -> PersonalMail:
    return PersonalMail.objects.create(kind=kind, email=email, change=change, created_at=now, next_attempt_at=now)


def owed(now: datetime) -> list[int]:
    """Ids of mails that are due and were not sent when the doorbell rang, the oldest first."""
    return PersonalMail.objects.overdue(now)


def forget_old(now: datetime) -> int:
    """Delete mails settled long ago, and wishes for an address that came to nothing: it may have been a stranger's.

    Returns how many rows; at most BATCH of each at a time.
    """
    mails = PersonalMail.objects.filter(settled_at__lte=now - KEPT)
    wishes = AddressChange.objects.filter(expires_at__lte=now - KEPT).exclude(status=AddressChange.Status.DONE)
    return _delete(mails) + _delete(wishes)


def _delete[Row: Model](rows: QuerySet[Row]) -> int:
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    count, _by_model = rows.model._default_manager.filter(pk__in=pks).delete()
    return count


def deliver(*, mail_id: int, now: datetime) -> bool:
    """Send this mail if it is still owed. True if it was accepted just now. Safe to call at any time and twice."""
    row = _claim(mail_id, now)
    return row is not None and hand_over(row, _SENDERS[Kind(row.kind)], now=now)


@transaction.atomic
def _claim(mail_id: int, now: datetime) -> PersonalMail | None:
    row = PersonalMail.objects.unmailed().filter(pk=mail_id).first()
    if row is None:
        return None
    limits.hold(address_hash(row.email))
    if not row.claim(now):
        return None
    if reason := _reason_not_to_mail(row, now):
        row.skip(reason, now=now)
        return None
    return row


def _reason_not_to_mail(row: PersonalMail, now: datetime) -> str | None:
    if is_suppressed(row.email):
        return Reason.SUPPRESSED
    if _is_too_late(row, now):
        return Reason.EXPIRED
    if row.kind in {Kind.MY_LINK, Kind.LOWERED} and _owner(row) is None:
        return Reason.UNKNOWN
    if row.kind == Kind.LOWERED:
        return None if _lowered(row) else Reason.NOTHING
    is_first_attempt = row.attempt_count == 1
    if row.kind == Kind.ADDRESS_CHANGED or not is_first_attempt:
        return None  # the owner's own business, or counted before
    reason = limits.reason_not_to_mail_address(address_hash(row.email), now)
    if not reason:
        limits.count_mail_to(address_hash(row.email), now)
    return reason.value if reason else None


def _is_too_late(row: PersonalMail, now: datetime) -> bool:
    if row.kind == Kind.CONFIRM_ADDRESS:
        return not _change(row).may_be_made(now)
    return now > row.created_at + (PATIENCE if row.kind == Kind.MY_LINK else UNDO_PERIOD)


def _owner(row: PersonalMail) -> Subscriber | None:
    return Subscriber.objects.filter(address_key=address_key(row.email)).first()


def _change(row: PersonalMail) -> AddressChange:
    assert row.change
    return row.change


def _send_link(row: PersonalMail) -> None:
    owner = _owner(row)
    if owner:  # to the address as it stands here, not as somebody typed it
        context = {"preferences_url": _url("subscribers:preferences", owner.preferences_token)}
        mail.send(template="my_link", to=owner.email, language=owner.language, context=context)


def _send_confirmation(row: PersonalMail) -> None:
    """It must not name the old address: the new one may be a stranger's, mistyped."""
    change = _change(row)
    url = _url("subscribers:confirm_address", change.confirm_token)
    context = {"confirm_url": url, "days": settings.CONFIRMATION_DAYS}
    mail.send(template="confirm_address", to=row.email, language=change.subscriber.language, context=context)


def _send_notice(row: PersonalMail) -> None:
    change = _change(row)
    context = {
        "undo_url": _url("subscribers:undo_address", change.undo_token),
        "new_address": redacted(change.new_email),
        "days": UNDO_PERIOD.days,
    }
    mail.send(template="address_changed", to=row.email, language=change.subscriber.language, context=context)


def _send_lowered(row: PersonalMail) -> None:
    owner = _owner(row)
    if owner:
        url = _url("subscribers:preferences", owner.preferences_token)
        told = _lowered(row)
        can_keep = any(each.may_be_kept for each in told)
        context = {"lowered": told, "page_url": url, "keep_url": f"{url}#keep" if can_keep else ""}
        headers = leaving_headers(told[0].subscription) if len(told) == 1 else {}  # very many get it at once
        mail.send(template="cadence_lowered", to=owner.email, language=owner.language, context=context, headers=headers)


def _lowered(row: PersonalMail) -> list[lowering.Lowered]:
    owner = _owner(row)
    return lowering.lowered(owner) if owner else []


_SENDERS: dict[PersonalMail.Kind, Callable[[PersonalMail], None]] = {
    Kind.MY_LINK: _send_link,
    Kind.CONFIRM_ADDRESS: _send_confirmation,
    Kind.ADDRESS_CHANGED: _send_notice,
    Kind.LOWERED: _send_lowered,
}


def _url(name: str, token: str) -> str:
    return settings.SITE_URL + reverse(name, kwargs={"token": token})
