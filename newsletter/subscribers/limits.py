"""How often an address may get a mail that its owner has not confirmed to want.

Anybody can enter anybody's address in a form. Whatever comes from wherever, one person gets at most one such mail a
day and three in thirty days. Only the owner can confirm, so a confirmation starts the count anew. Whoever says that
the mail did not come gets a second one on the same day, after a while.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from newsletter.subscribers.models import ConfirmationMail, PersonalMail, SignUp
from newsletter.subscribers.models.sign_ups import counted_for
from newsletter.subscribers.suppression import is_suppressed

COOL_DOWN = timedelta(hours=24)
SECOND_AFTER, MAILS_PER_DAY = timedelta(minutes=10), 2  # where a second mail was asked for
PERIOD, MAILS_PER_PERIOD = timedelta(days=30), 3


def hold(address_hash: str) -> None:
    """Until the transaction ends, nobody else decides whether a mail goes to this address.

    Two forms, or a form and a change of address, must not both see that no mail has gone out yet. There need be no
    row of this address to lock. SQLite lets one writer in at a time anyhow.
    """
    if connection.vendor == "postgresql":
        key = int.from_bytes(bytes.fromhex(address_hash)[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def reason_not_to_mail(sign_up: SignUp, now: datetime) -> SignUp.Reason | None:
    """Why this sign-up's mail must not go out, if there is a reason."""
    subscriber = sign_up.subscriber
    if is_suppressed(subscriber.email):
        return SignUp.Reason.SUPPRESSED
    if sign_up.expires_at <= now:
        return SignUp.Reason.EXPIRED
    earlier = ConfirmationMail.objects.to_address(subscriber.address_hash, since=now - PERIOD).besides(sign_up)
    return _reason_to_wait(earlier, now, is_asked_again=sign_up.is_asked_again)


def reason_not_to_mail_address(address_hash: str, row: PersonalMail, now: datetime) -> SignUp.Reason | None:
    """The same for a mail that belongs to no sign-up, such as the link to one's own page."""
    earlier = ConfirmationMail.objects.to_address(address_hash, since=now - PERIOD).besides(row)
    return _reason_to_wait(earlier, now, is_asked_again=False)


def _is_too_soon(times: Collection[datetime], now: datetime, *, is_asked_again: bool) -> bool:
    today = [at for at in times if at > now - COOL_DOWN]
    if not is_asked_again:
        return bool(today)
    return len(today) >= MAILS_PER_DAY or any(at > now - SECOND_AFTER for at in today)


def second_mail_at(sign_up: SignUp, now: datetime) -> datetime | None:
    """When the second mail of a day may go out that was asked for too early; None if none may."""
    if not sign_up.is_asked_again:
        return None
    earlier = ConfirmationMail.objects.to_address(sign_up.subscriber.address_hash, since=now - PERIOD)
    times = list(earlier.besides(sign_up).values_list("at", flat=True))
    today = [at for at in times if at > now - COOL_DOWN]
    is_enough = len(today) >= MAILS_PER_DAY or len(times) >= MAILS_PER_PERIOD
    return None if is_enough or not today else max(today) + SECOND_AFTER


def count_mail(row: SignUp | PersonalMail, *, address_hash: str, now: datetime) -> None:
    """Count before sending, once: a worker that dies on the way must not make room for a further mail."""
    ConfirmationMail.objects.get_or_create(**counted_for(row), defaults={"address_hash": address_hash, "at": now})


def start_anew(address_hash: str) -> None:
    """The owner of the address has confirmed."""
    ConfirmationMail.objects.filter(address_hash=address_hash).delete()


def _reason_to_wait(
    earlier: QuerySet[ConfirmationMail], now: datetime, *, is_asked_again: bool
) -> SignUp.Reason | None:
    times = list(earlier.values_list("at", flat=True))
    if _is_too_soon(times, now, is_asked_again=is_asked_again):
        return SignUp.Reason.TOO_SOON
    return SignUp.Reason.TOO_MANY if len(times) >= MAILS_PER_PERIOD else None
