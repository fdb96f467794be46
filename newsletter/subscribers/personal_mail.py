"""Mails about a person's own record: the link to their page, a new one, and the two that a change of address needs.

A page only notes what is owed; a worker looks up who has the address and sends. So the answer takes the same time for
every address, and what a mail server cannot take now is tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.urls import reverse

from newsletter.lib import mail
from newsletter.lib.addresses import address_hash, address_key, redacted
from newsletter.subscribers import limits, lowering, silence
from newsletter.subscribers.languages import language_of
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber
from newsletter.subscribers.models.address_changes import UNDO_PERIOD
from newsletter.subscribers.models.owed import BATCH
from newsletter.subscribers.models.owed import HEAD_START as HEAD_START
from newsletter.subscribers.owed_mail import hand_over
from newsletter.subscribers.shield import budget
from newsletter.subscribers.suppression import is_suppressed
from newsletter.subscribers.welcoming import leaving_headers

PATIENCE = timedelta(days=1)  # whoever asked for their link has given up by then
KEPT = timedelta(days=30)  # what became of it, without the address
Kind, Reason = PersonalMail.Kind, PersonalMail.Reason
_TO_OWNERS = frozenset({Kind.MY_LINK.value, Kind.LOWERED.value, Kind.STILL_INTERESTED.value, Kind.NEW_LINK.value})


def ask_for_link(*, email: str, now: datetime, is_unproven: bool = False) -> PersonalMail:
    """Somebody typed this address, which has passed parse_address, to get the link to their page."""
    return _owe(Kind.MY_LINK, email=email, is_unproven=is_unproven, now=now)


def owe_of_change(
    kind: PersonalMail.Kind, *, email: str, change: AddressChange, now: datetime, is_unproven: bool = False
) -> PersonalMail:
    """What a change of address needs, to its old or its new one."""
    values = {"change": change, "subscriber_id": change.subscriber_id, "is_unproven": is_unproven}
    return _owe(kind, email=email, now=now, **values)


def owe_new_link(*, subscriber: Subscriber, now: datetime) -> PersonalMail:
    return _owe(Kind.NEW_LINK, email=subscriber.email, subscriber=subscriber, now=now)


def _owe(kind: PersonalMail.Kind, *, email: str, now: datetime, **values: Any) -> PersonalMail:
    return PersonalMail.objects.create(kind=kind, email=email, created_at=now, next_attempt_at=now, **values)


def owed(now: datetime) -> list[int]:
    """Ids of mails that are due and were not sent when the doorbell rang, the oldest first."""
    return PersonalMail.objects.overdue(now)


def forget_old(now: datetime) -> int:
    """Delete mails settled long ago, and wishes for an address that came to nothing: it may have been a stranger's.

    What belongs to a reader stays in their timeline as long as detail of other mails does. Returns how many rows; at
    most BATCH of each at a time.
    """
    detail = now - max(KEPT, timedelta(days=settings.FORGET_DELIVERY_DETAIL_AFTER_DAYS))
    is_old = Q(subscriber=None, settled_at__lte=now - KEPT) | Q(settled_at__lte=detail)
    mails = PersonalMail.objects.filter(is_old)
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
    _note_owner(row)
    if reason := _reason_not_to_mail(row, now):
        row.skip(reason, now=now)
        return None
    if row.kind not in PersonalMail.ASKED:
        return row  # the owner's own business
    if until := budget.must_wait_until(row, now):
        row.postpone(until=until, response=PersonalMail.HELD_BACK)
        return None
    limits.count_mail(row, address_hash=address_hash(row.email), now=now)
    return row


def _note_owner(row: PersonalMail) -> None:
    """So that it stands in their timeline, and goes with them when they are erased."""
    owner = _owner(row) if row.subscriber_id is None else None
    if owner:
        row.subscriber = owner
        row.save(update_fields=["subscriber"])


def _reason_not_to_mail(row: PersonalMail, now: datetime) -> str | None:
    if is_suppressed(row.email):
        return Reason.SUPPRESSED
    if _is_too_late(row, now):
        return Reason.EXPIRED
    if row.kind in _TO_OWNERS and _owner(row) is None:
        return Reason.UNKNOWN
    if row.kind == Kind.STILL_INTERESTED:
        return None if silence.asked_by(row) else Reason.NOTHING
    if row.kind == Kind.LOWERED:
        return None if _lowered(row) else Reason.NOTHING
    is_limited = row.kind in PersonalMail.ASKED
    reason = limits.reason_not_to_mail_address(address_hash(row.email), row, now) if is_limited else None
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
        mail.send(template="my_link", to=owner.email, language=language_of(owner), context=context)


def _send_new_link(row: PersonalMail) -> None:
    owner = _owner(row)
    if owner:
        context = {"preferences_url": _url("subscribers:preferences", owner.preferences_token)}
        mail.send(template="new_link", to=owner.email, language=language_of(owner), context=context)


def _send_confirmation(row: PersonalMail) -> None:
    """It must not name the old address: the new one may be a stranger's, mistyped."""
    change = _change(row)
    url = _url("subscribers:confirm_address", change.confirm_token)
    context = {"confirm_url": url, "days": settings.CONFIRMATION_DAYS}
    mail.send(template="confirm_address", to=row.email, language=language_of(change.subscriber), context=context)


def _send_notice(row: PersonalMail) -> None:
    change = _change(row)
    context = {
        "undo_url": _url("subscribers:undo_address", change.undo_token),
        "new_address": redacted(change.new_email),
        "days": UNDO_PERIOD.days,
    }
    mail.send(template="address_changed", to=row.email, language=language_of(change.subscriber), context=context)


def _send_lowered(row: PersonalMail) -> None:
    owner = _owner(row)
    if owner:
        url = _url("subscribers:preferences", owner.preferences_token)
        told = _lowered(row)
        can_keep = any(each.may_be_kept for each in told)
        context = {"lowered": told, "page_url": url, "keep_url": f"{url}#keep" if can_keep else ""}
        headers = leaving_headers(told[0].subscription) if len(told) == 1 else {}  # very many get it at once
        mail.send(
            template="cadence_lowered", to=owner.email, language=language_of(owner), context=context, headers=headers
        )


def _lowered(row: PersonalMail) -> list[lowering.Lowered]:
    owner = _owner(row)
    return lowering.lowered(owner) if owner else []


_SENDERS: dict[PersonalMail.Kind, Callable[[PersonalMail], None]] = {
    Kind.MY_LINK: _send_link,
    Kind.CONFIRM_ADDRESS: _send_confirmation,
    Kind.ADDRESS_CHANGED: _send_notice,
    Kind.LOWERED: _send_lowered,
    Kind.STILL_INTERESTED: silence.send_question,
    Kind.NEW_LINK: _send_new_link,
}


def _url(name: str, token: str) -> str:
    return settings.SITE_URL + reverse(name, kwargs={"token": token})
