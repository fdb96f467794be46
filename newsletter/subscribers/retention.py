"""What time takes away: first the end of IP addresses, then all of them, and the browsers.

Consent must be provable for as long as mail is sent (GDPR Art. 7(1)); the visitor's own IP address is not needed for
that after some weeks, and its network not after a year.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from newsletter.subscribers.models import ConsentRecord, SignUp

BATCH = 500
_HAS_ADDRESS = Q(ip_address__isnull=False) | Q(confirmation_ip__isnull=False)
_SIGN_UP_HAS_TRACES = Q(ip_address__isnull=False) | ~Q(user_agent="")
_CONSENT_HAS_TRACES = Q(ip_address__isnull=False) | Q(confirmation_ip__isnull=False) | ~Q(user_agent="")


def clean_up(now: datetime) -> dict[str, int]:
    """Shorten and forget what is old enough. Returns how many of each; at most BATCH of each kind at a time."""
    shorten = now - timedelta(days=settings.SHORTEN_IP_AFTER_DAYS)
    forget = now - timedelta(days=settings.FORGET_IP_AFTER_DAYS)
    return {
        "traces_forgotten": _forget_sign_ups(forget) + _forget_consents(forget),
        "ip_addresses_shortened": _shorten_sign_ups(shorten) + _shorten_consents(shorten),
    }


def network(address: str | None) -> str | None:
    """The first address of the /24 or /48 that this one lies in."""
    if address is None:
        return None
    prefix = 24 if ip_address(address).version == 4 else 48
    return str(ip_network(f"{address}/{prefix}", strict=False).network_address)


def _forget_sign_ups(until: datetime) -> int:
    rows = SignUp.objects.filter(_SIGN_UP_HAS_TRACES, is_ip_cut__in=[False, True], created_at__lte=until)
    pks = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
    return SignUp.objects.filter(pk__in=pks).update(ip_address=None, user_agent="")


def _forget_consents(until: datetime) -> int:
    rows = ConsentRecord.objects.filter(_CONSENT_HAS_TRACES, is_ip_cut__in=[False, True], at__lte=until)
    pks = list(rows.order_by().values_list("pk", flat=True)[:BATCH])
    return ConsentRecord.objects.filter(pk__in=pks).forget_traces()


@transaction.atomic
def _shorten_sign_ups(until: datetime) -> int:
    rows = SignUp.objects.filter(_SIGN_UP_HAS_TRACES, is_ip_cut=False, created_at__lte=until)
    rows = rows.filter(ip_address__isnull=False)
    found = list(rows.order_by().values_list("pk", "ip_address")[:BATCH])
    for address, pks in _by_value(found).items():
        SignUp.objects.filter(pk__in=pks).update(ip_address=network(address), is_ip_cut=True)
    return len(found)


@transaction.atomic
def _shorten_consents(until: datetime) -> int:
    rows = ConsentRecord.objects.filter(_CONSENT_HAS_TRACES, is_ip_cut=False, at__lte=until).filter(_HAS_ADDRESS)
    found = [(pk, (one, two)) for pk, one, two in
             rows.order_by().values_list("pk", "ip_address", "confirmation_ip")[:BATCH]]  # fmt: skip
    for (form, confirmation), pks in _by_value(found).items():
        same = ConsentRecord.objects.filter(pk__in=pks)
        same.shorten_addresses(ip_address=network(form), confirmation_ip=network(confirmation))
    return len(found)


def _by_value[Value](rows: Iterable[tuple[int, Value]]) -> dict[Value, list[int]]:
    grouped: dict[Value, list[int]] = {}
    for pk, value in rows:
        grouped.setdefault(value, []).append(pk)
    return grouped
