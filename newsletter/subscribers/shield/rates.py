"""Limits by the hour: for a visitor's network, for the domain of the addresses, and for the whole site."""

from __future__ import annotations

import hashlib
from ipaddress import ip_address, ip_network

from django.conf import settings

from newsletter.subscribers.shield import tally
from newsletter.subscribers.shield.tally import HOUR, Layer

CEILING = 10  # times the limit of the whole site: from there on nobody is let in, whatever they prove


def admits(address: str | None) -> bool:
    """May this visitor try at all? Counts the attempt. An unknown IP address has no limit of its own."""
    if address is not None:
        seen = tally.count(f"sign-ups:{network_of(address)}", seconds=HOUR)
        if seen > settings.SIGN_UPS_PER_NETWORK_AND_HOUR:
            tally.note(Layer.NETWORK)
            return False
    tally.note_attempt()
    if tally.count("sign-ups:all", seconds=HOUR) > CEILING * settings.SIGN_UPS_PER_HOUR:
        tally.note(Layer.TOTAL)
        return False
    return True


def is_site_busy() -> bool:
    """Has the whole site had more attempts in this hour than its limit? Counts nothing."""
    seen = tally.seen("sign-ups:all")
    return seen > settings.SIGN_UPS_PER_HOUR


def is_domain_busy(email: str) -> bool:
    """Have more sign-ups come for the domain of this address than its limit allows? Counts this one."""
    domain = email.rpartition("@")[2].lower()
    key = hashlib.sha256(domain.encode()).hexdigest()[:32]  # a cache may be looked into; no part of an address is there
    is_busy = tally.count(f"sign-ups:@{key}", seconds=HOUR) > settings.SIGN_UPS_PER_DOMAIN_AND_HOUR
    if is_busy:
        tally.note(Layer.DOMAIN)
    return is_busy


def network_of(address: str) -> str:
    """The /24 or /56 that this IP address lies in; an IPv4 address in IPv6 clothes is an IPv4 address."""
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    found = mapped or parsed
    return str(ip_network(f"{found}/{24 if found.version == 4 else 56}", strict=False))
