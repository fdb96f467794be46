"""What stands between robots and the sign-up forms. Nothing here asks a third party or sets a cookie.

- A field that people do not see (the honeypot): who fills it in is answered as ever, and dropped.
- The signed time at which a form was made is checked if it is there. A plain HTML form on somebody else's page has
  none, so a robot can leave it out too: it stops careless robots, not careful ones.
- A network may send so many forms an hour. The limit is generous, as schools and offices share one address.
- A proof of work is asked for always, never, or under attack only. Whoever brings none is not turned away: their mail
  waits, and comes from a small budget (see shield/budget.py).

What protects the owner of an address does not stand here: limits.py holds for every way in.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import HttpRequest, QueryDict

from newsletter.subscribers.shield import proof, rates, tally
from newsletter.subscribers.shield.demand import asks_for_proof
from newsletter.subscribers.shield.tally import Layer

HONEYPOT, TIME_FIELD = "comment", "form_time"
SLOWEST = timedelta(hours=24)
_SIGNER = TimestampSigner(salt="newsletter.subscribers.form")


def form_time() -> str:
    """For a form's hidden field: when it was made, signed."""
    return _SIGNER.sign("form")


def is_timely(stamp: str) -> bool:
    """Was the form with this time sent neither faster than people are nor after a day? An empty one passes."""
    if not stamp:
        return True
    try:
        _SIGNER.unsign(stamp, max_age=SLOWEST)
    except BadSignature:
        return False
    try:
        _SIGNER.unsign(stamp, max_age=timedelta(seconds=settings.SIGN_UP_MIN_SECONDS))
    except SignatureExpired:
        return True
    return not settings.SIGN_UP_MIN_SECONDS


def is_caught(sent: QueryDict) -> bool:
    """Has the field been filled in that people do not see?"""
    if not settings.SIGN_UP_HONEYPOT or not sent.get(HONEYPOT):
        return False
    tally.note(Layer.HONEYPOT)
    return True


def client_address(request: HttpRequest) -> str | None:
    """The visitor's IP address.

    ``X-Forwarded-For`` is looked at only if BEHIND_PROXY says that there is a proxy, and the request really comes from
    one of TRUSTED_PROXIES. Then it is the last hop that is no such proxy: what stands before it is the visitor's claim.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    if not settings.SECURE_PROXY_SSL_HEADER or not _is_trusted(peer):
        return _parsed(peer)
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    stranger = next((hop for hop in reversed(hops) if not _is_trusted(hop)), hops[0] if hops else peer)
    return _parsed(stranger)


def may_sign_up(address: str | None) -> bool:
    """Is this visitor's network within its hourly limit? Counts the attempt. A cache that is down lets all pass."""
    return rates.admits(address)


class Admission(StrEnum):
    """What the door says to a form that mails whomever it names."""

    ADMITTED = "admitted"
    CAUGHT = "caught"  # answered as ever, and dropped
    TOO_MANY = "too_many"


def admit(request: HttpRequest, sent: QueryDict) -> Admission:
    """The one door of all such forms: sign-ups, asking for the mail again, one's own link, another address.

    Counts the attempt. What else they share is asked of a form that is in order: ``is_timely`` and ``is_unproven``.
    """
    if is_caught(sent):
        return Admission.CAUGHT
    return Admission.ADMITTED if may_sign_up(client_address(request)) else Admission.TOO_MANY


def is_unproven(sent: QueryDict, *, email: str) -> bool:
    """Must this form's mail wait, because a proof of work was needed and none came? Uses the proof up.

    Over the hourly limits of the site or of the address's domain one is needed even if PROOF_OF_WORK is off, so that
    the mails then come from the small budget: nobody else can shut the door on a domain.
    """
    has_proof = proof.is_good(sent.get(proof.FIELD, ""))
    is_busy = rates.is_domain_busy(email) or rates.is_site_busy()
    lacks = not has_proof and (is_busy or asks_for_proof())
    if lacks:
        tally.note(Layer.UNPROVEN)
    return lacks


def _parsed(address: str) -> str | None:
    found = _ip(address)
    return str(found) if found else None


def _is_trusted(address: str) -> bool:
    found = _ip(address)
    return found is not None and any(found in network for network in settings.TRUSTED_PROXIES)


def _ip(address: str) -> IPv4Address | IPv6Address | None:
    """Also as proxies write it, with a port or in brackets; an IPv4 address in IPv6 clothes is an IPv4 address."""
    host = address.removeprefix("[").partition("]")[0]
    host = host.rpartition(":")[0] if host.count(":") == 1 else host
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return (found.version == 6 and found.ipv4_mapped) or found
