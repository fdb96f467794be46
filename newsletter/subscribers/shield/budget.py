"""How many mails an hour go to addresses that anybody may have typed: confirmations, and links to one's own page.

What is over the budget waits for its turn; nothing is lost.
Whoever brought no proof of work where one was asked for, which is also everybody without JavaScript, waits ten minutes
and shares a small budget of their own: a robot gains little there, and a reader gets their mail all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from newsletter.subscribers.models import ConfirmationMail, PersonalMail, SignUp
from newsletter.subscribers.shield import attack, tally
from newsletter.subscribers.shield.tally import Layer

HOUR = timedelta(hours=1)
PAUSE = timedelta(minutes=5)  # until a mail that found the budget used up looks again
WAIT_UNPROVEN = timedelta(minutes=10)


def must_wait_until(row: SignUp | PersonalMail, now: datetime) -> datetime | None:
    """When this sign-up's, or this personal, mail may be tried again, if it may not go out now."""
    if row.is_unproven and now < row.created_at + WAIT_UNPROVEN:
        return row.created_at + WAIT_UNPROVEN
    mails = ConfirmationMail.objects.filter(at__gt=now - HOUR).besides(row)
    limit = per_hour()
    if row.is_unproven:
        mails = mails.unproven()
        limit = min(limit, settings.UNPROVEN_MAILS_PER_HOUR)
    if mails.count() < limit:
        return None
    tally.note(Layer.BUDGET)
    return now + PAUSE


def per_hour() -> int:
    """The budget as it is now: smaller in attack mode."""
    normal = settings.CONFIRMATION_MAILS_PER_HOUR
    return min(normal, settings.CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK) if attack.is_on() else normal
