"""Whether the DNS vouches for a newsletter's sender: SPF, DMARC and, where its name is known, the DKIM key.

Asked by the worker and kept; who looks at an issue only reads. It never keeps a mail from leaving: a server that signs
under another domain, or a record that was set a moment ago, is known to the publisher and not to us.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from newsletter.digests.models import SenderDomain
from newsletter.lib import name_servers
from newsletter.lib.name_servers import NoAnswerError
from newsletter.subscribers.models import Newsletter

FRESH, RETRY, LEASE = timedelta(hours=6), timedelta(minutes=10), timedelta(minutes=5)
SECONDS = 3.0  # for each question; nobody waits for it
AT_ONCE, LONGEST, MOST_KEPT = 20, 1000, 5
RESERVED = (".example", ".invalid", ".localhost", ".test", ".local", "example.com", "example.net", "example.org")


def domain_of(newsletter: Newsletter) -> str:
    """As the DNS knows it; "" for an address without one."""
    domain = newsletter.sender_address.rpartition("@")[2].lower().rstrip(".")
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return ""


def is_made_up(domain: str) -> bool:
    """A name that is kept for tests and documents (RFC 2606, RFC 6761), or no name of the internet's at all."""
    return "." not in domain or f".{domain}".endswith(RESERVED)


def check_domains(*, now: datetime) -> int:
    """Ask for the domains of all newsletters that nobody asked for lately. Returns for how many."""
    domains = {domain_of(each) for each in Newsletter.objects.only("sender_address")}
    wanted = {domain for domain in domains if not is_made_up(domain)}
    SenderDomain.objects.exclude(domain__in=wanted).delete()
    SenderDomain.objects.bulk_create(
        [SenderDomain(domain=domain, next_attempt_at=now) for domain in sorted(wanted)], ignore_conflicts=True
    )
    due = list(SenderDomain.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")[:AT_ONCE])
    claimed = [row for row in due if row.claim(now, until=now + LEASE)]
    for row in claimed:
        _ask(row, now)
    return len(claimed)


def _ask(row: SenderDomain, now: datetime) -> None:
    """What was known stays where no server answers."""
    row.checked_at = now
    try:
        row.spf, row.dmarc, row.dkim = _spf(row.domain), _dmarc(row.domain), _dkim(row.domain)
        row.selector, row.answered_at = settings.DKIM_SELECTOR, now
        row.next_attempt_at = now + (RETRY if problems(row) else FRESH)
    except NoAnswerError:
        row.next_attempt_at = now + RETRY
    row.save()


def _spf(domain: str) -> list[str]:
    return _kept(text for text in _texts(domain) if (text + " ").casefold().startswith("v=spf1 "))


def _dmarc(domain: str) -> list[str]:
    """The domain's own, or that of the nearest one above it (RFC 7489 section 6.6.3, without a list of suffixes)."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        found = [text for text in _texts("_dmarc." + ".".join(labels[start:])) if text.startswith("v=DMARC1")]
        if found:
            return _kept(found)
    return []


def _dkim(domain: str) -> list[str]:
    selector = settings.DKIM_SELECTOR
    return _kept(text for text in _texts(f"{selector}._domainkey.{domain}") if "p=" in text) if selector else []


def _texts(name: str) -> list[str]:
    return name_servers.texts(name, seconds=SECONDS)


def _kept(records: Iterable[str]) -> list[str]:
    return [record[:LONGEST] for record in records][:MOST_KEPT]


def problems(row: SenderDomain) -> list[str]:
    """What is missing or wrong, a sentence each."""
    found = []
    if not row.spf:
        found.append(_("%(domain)s has no SPF record: servers cannot tell who may send for it."))
    elif len(row.spf) > 1:
        found.append(_("%(domain)s has more than one SPF record, which counts as none."))
    elif row.spf[0].casefold().split()[-1] in {"+all", "all"}:
        found.append(_("The SPF record of %(domain)s ends in “+all”: it lets everybody send."))
    if not row.dmarc:
        found.append(_("%(domain)s has no DMARC record: large providers refuse bulk mail without one."))
    elif not policy(row):
        found.append(_("The DMARC record of %(domain)s names no policy."))
    if row.selector and not any(_tags(record).get("p") for record in row.dkim):
        found.append(_("There is no DKIM key “%(selector)s” for %(domain)s."))
    return [text % {"domain": row.domain, "selector": row.selector} for text in found]


def policy(row: SenderDomain) -> str:
    """``none``, ``quarantine`` or ``reject``; "" if there is none."""
    named = _tags(row.dmarc[0]).get("p", "").casefold() if row.dmarc else ""
    return named if named in {"none", "quarantine", "reject"} else ""


def _tags(record: str) -> dict[str, str]:
    """``v=DMARC1; p=none`` as names and values."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().casefold(): value.strip() for name, _equals, value in pairs}
