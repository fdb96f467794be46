"""The signed links in our mails, and what is behind them."""

from __future__ import annotations

from newsletter.lib.tokens import BadToken, Purpose, token_pk, verify_token
from newsletter.subscribers.models import AddressChange, SignUp, Subscriber, Subscription

MOST_VERSIONS = 16  # how often a link may have been revoked for its reader still to be told kindly that they are gone


class Forged(Exception):
    """No link of ours, or one that was revoked."""


def sign_up_behind(token: str) -> SignUp | None:
    """The sign-up that a confirmation link speaks of; None if it has been forgotten. Raises Forged."""
    pk = _verified(Purpose.CONFIRM, token)
    return SignUp.objects.select_related("subscriber").filter(pk=pk).first()


def subscription_behind(token: str) -> Subscription | None:
    """The subscription that an unsubscribe link speaks of; None if its reader was erased. Raises Forged."""
    return _subscription(Purpose.UNSUBSCRIBE, token)


def asked_subscription_behind(token: str) -> Subscription | None:
    """The subscription whose reader was asked whether they still want it; None if they were erased. Raises Forged."""
    return _subscription(Purpose.STAY, token)


def _subscription(purpose: Purpose, token: str) -> Subscription | None:
    pk = _verified(purpose, token)
    return Subscription.objects.select_related("subscriber", "newsletter").filter(pk=pk).first()


def change_behind(token: str, *, purpose: Purpose) -> AddressChange | None:
    """The change of address that a link makes or undoes; None if its reader was erased. Raises Forged."""
    pk = _verified(purpose, token)
    return AddressChange.objects.select_related("subscriber").filter(pk=pk).first()


def subscriber_behind(token: str) -> Subscriber | None:
    """The person whose preferences a link opens; None if they were erased. Raises Forged, also for a revoked link."""
    try:
        subscriber = Subscriber.objects.filter(pk=token_pk(token)).first()
    except BadToken as error:
        raise Forged from error
    if subscriber is None:
        _verify_any_version(token)
    else:
        _verified(Purpose.PREFERENCES, token, version=subscriber.link_version)
    return subscriber


def _verify_any_version(token: str) -> None:
    """Of somebody erased the version is not known any more, and a link that opens nothing can be believed easily."""
    for version in range(MOST_VERSIONS):
        try:
            verify_token(Purpose.PREFERENCES, token, version=version)
        except BadToken:
            continue
        return
    raise Forged


def _verified(purpose: Purpose, token: str, *, version: int = 0) -> int:
    try:
        return verify_token(purpose, token, version=version)
    except BadToken as error:
        raise Forged from error
