"""Is it worth mailing this domain? Asked of the domain alone, so that no answer tells anything of an address.

- Throw-away addresses: the desk's own list of domains always holds; the packaged one (disposable-email-domains, which
  is brought out weekly) if DISPOSABLE_ADDRESSES says so.
- DNS, if DNS_LOOKUP_SECONDS is not 0: a domain that does not exist, or says that it takes no mail (RFC 7505), is
  refused. Anything else, above all a name server that does not answer in time, lets the address pass.
"""

from __future__ import annotations

import logging
from enum import StrEnum

import dns.exception
import dns.rdatatype
import dns.resolver
from disposable_email_domains import blocklist
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from newsletter.lib.addresses import wire_address
from newsletter.lib.name_servers import resolver
from newsletter.subscribers.models import MailDomain

logger = logging.getLogger(__name__)

REMEMBER_SECONDS = 3600


class Verdict(StrEnum):
    """What to do with a sign-up from a domain."""

    WELCOME = "welcome"
    DISPOSABLE = "disposable"  # say that such addresses are not taken
    IGNORED = "ignored"  # answer as ever and do nothing
    NO_MAIL = "no_mail"  # say that no mail can reach it


def verdict_on(address: str) -> Verdict:
    """``address`` has passed parse_address. Takes at most DNS_LOOKUP_SECONDS, and never raises for what DNS does."""
    domain = wire_address(address).rpartition("@")[2].lower()
    listed = _listed(domain)
    if listed == MailDomain.Verdict.WELCOME:
        return Verdict.WELCOME
    is_throwaway = settings.DISPOSABLE_ADDRESSES != "accept" and any(name in blocklist for name in _and_parents(domain))
    if listed or is_throwaway:
        return Verdict.IGNORED if settings.DISPOSABLE_ADDRESSES == "ignore" else Verdict.DISPOSABLE
    if settings.DNS_LOOKUP_SECONDS and not _takes_mail(domain):
        return Verdict.NO_MAIL
    return Verdict.WELCOME


def _listed(domain: str) -> str:
    """What the desk's list says of the domain or, first, of the nearest domain above it; "" if nothing."""
    found = dict(MailDomain.objects.filter(domain__in=_and_parents(domain)).values_list("domain", "verdict"))
    return next((found[name] for name in _and_parents(domain) if name in found), "")


def _and_parents(domain: str) -> list[str]:
    """``a.b.example``, ``b.example``; never a top-level domain alone."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]


def _takes_mail(domain: str) -> bool:
    key = f"takes-mail:{domain}"
    try:
        known = cache.get(key)
        if known is None:
            known = _ask_dns(domain)
            cache.set(key, known, timeout=REMEMBER_SECONDS)
        return bool(known)
    except (RedisError, OSError) as error:
        logger.warning("The cache does not answer (%s); the DNS is asked each time.", type(error).__name__)
        return _ask_dns(domain)


def _ask_dns(domain: str) -> bool:
    try:
        asked = resolver(seconds=settings.DNS_LOOKUP_SECONDS)
        answer = asked.resolve(domain, dns.rdatatype.MX, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN:
        return False
    except (dns.exception.DNSException, OSError) as error:
        logger.info("The DNS gave no answer (%s); the address passes.", type(error).__name__)
        return True
    hosts = [str(record.exchange) for record in answer.rrset or []]
    return hosts != ["."]  # no MX at all: the host itself may take mail (RFC 5321 section 5.1)
