"""No mail came: its reader asks once more. The answer tells nothing, and strangers gain one mail a day at most.

Whoever asks need not be the reader, so the request is treated as a sign-up that wishes for nothing new: the same
statements are run for every address. What waits to be confirmed is looked up by the worker (see signup.py), and the
limits decide when the mail would go out (see limits.py).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from newsletter.lib.addresses import InvalidAddress, parse_address
from newsletter.subscribers.models import SignUp, Subscriber
from newsletter.subscribers.signup import validity


@transaction.atomic
def ask_again(*, email: str, now: datetime, is_unproven: bool = False) -> SignUp | None:
    """Let another mail with a link to what this address has waiting be sent. None if ``email`` is no address.

    An address that nobody has entered lately gets a row as well, and no mail: the row says why.
    """
    try:
        address = parse_address(email)
    except InvalidAddress:
        return None
    subscriber = Subscriber.objects.with_address(address)
    recent = SignUp.objects.filter(subscriber=subscriber, created_at__gt=now - validity())
    first = recent.order_by("-pk").first() or SignUp()  # where the form stood belongs to the proof of consent
    return SignUp.objects.create(
        subscriber=subscriber,
        is_asked_again=True,
        is_unproven=is_unproven,
        page_url=first.page_url,
        ip_address=first.ip_address,
        user_agent=first.user_agent,
        created_at=now,
        next_attempt_at=now,
        expires_at=now + validity(),
    )
