"""Addresses by the million: the same answers as ``addresses``, with a short cut for what almost all look like."""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from newsletter.lib.addresses import InvalidAddress, address_hash, address_key, parse_address

_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)", re.ASCII)
MAX_LOCAL, MAX_ADDRESS = 64, 254  # octets, RFC 5321 (4.5.3.1)


class Identity(NamedTuple):
    """An address as we send to it, and by what we know it again."""

    email: str
    key: str
    hash: str


def identify(text: str) -> Identity:
    """``parse_address``, ``address_key`` and ``address_hash`` in one. Raises InvalidAddress."""
    match = _PLAIN.fullmatch(text)
    if match is None or len(match[1]) > MAX_LOCAL or len(text) > MAX_ADDRESS:
        email = parse_address(text)
        return Identity(email, address_key(email), address_hash(email))
    local = match[1]
    domain, ascii_domain = _domains(match[2])
    key = f"{local.lower()}@{ascii_domain}"
    digest = _begun(settings.ADDRESS_HASH_KEY).copy()
    digest.update(key.encode())
    return Identity(f"{local}@{domain}", key, digest.hexdigest())


@lru_cache(maxsize=4)
def _begun(key: str) -> hmac.HMAC:
    """The half of the work that is the same for all addresses."""
    return hmac.new(key.encode(), digestmod="sha256")


def _domains(domain: str) -> tuple[str, str]:
    normal, ascii_domain, problem = _known_domain(domain)
    if problem:
        raise InvalidAddress(problem)
    return normal, ascii_domain


@lru_cache(maxsize=20_000)
def _known_domain(domain: str) -> tuple[str, str, str]:
    """As we write it, in ASCII, and what is wrong with it."""
    try:
        email = parse_address(f"x@{domain}")
    except InvalidAddress as error:
        return "", "", str(error)
    return email.rpartition("@")[2], address_key(email).rpartition("@")[2], ""
