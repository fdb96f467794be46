"""Asking the DNS: the servers that DNS_SERVERS names, or the system's."""

from __future__ import annotations

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
from django.conf import settings

DNS_PORT = 53


class NoAnswerError(Exception):
    """No name server could be asked; whether there is such a record is not known."""


def resolver(*, seconds: float) -> dns.resolver.Resolver:
    """Gives up after so many seconds."""
    named = settings.DNS_SERVERS
    found = dns.resolver.Resolver(configure=not named)
    if named:
        found.nameservers = [_nameserver(text) for text in named]
    found.lifetime = found.timeout = seconds
    return found


def texts(name: str, *, seconds: float) -> list[str]:
    """The TXT records of a name, each in one piece (RFC 7208 section 3.3); none if it does not exist.

    Raises NoAnswerError.
    """
    try:
        asked = resolver(seconds=seconds)
        answer = asked.resolve(name, dns.rdatatype.TXT, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN:
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise NoAnswerError(type(error).__name__) from error
    return [b"".join(record.strings).decode(errors="replace") for record in answer.rrset or []]


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    """``192.0.2.53`` or ``192.0.2.53#5353``, as other programs write it."""
    address, _hash, port = text.partition("#")
    return dns.nameserver.Do53Nameserver(address, int(port or DNS_PORT))
