"""What every newsletter must have before it may be mailed."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import Error

from config.diagnosis.finding import Finding, note, well, wrong, wrong_if_public
from newsletter.digests.models import Schedule
from newsletter.subscribers.models import Attack, Cadence, Newsletter

# Reserved by RFC 2606 and RFC 6761: no mail from there is ever accepted.
NO_REAL_DOMAINS = ("example", "example.com", "example.net", "example.org", "invalid", "localhost", "test")


def sign_ups() -> Iterator[Finding]:
    try:
        is_attacked = Attack.objects.open().exists()
    except Error:
        return  # the database's own check says why
    if is_attacked:
        sentence = "Robots fill in the sign-up forms: attack mode is on. See Sign-up protection in the admin."
        yield note("sign-ups", sentence)
    if not settings.OPERATOR_EMAIL:
        yield note("operator", "Nobody is told when robots fill in the sign-up forms. Set OPERATOR_EMAIL.")


def newsletters() -> Iterator[Finding]:
    try:
        found = list(Newsletter.objects.open())
    except Error:
        return  # the database's own check says why
    if not found:
        yield note("newsletters", "No newsletter is open for sign-up. Make one in the admin, or run: manage.py demo")
    for newsletter in found:
        problems = [*_sender(newsletter), *_schedules(newsletter)]
        yield from problems or [well(newsletter.slug, f"{newsletter} has a sender, an address and its schedules.")]


def _sender(newsletter: Newsletter) -> Iterator[Finding]:
    if not newsletter.postal_address.strip():
        yield wrong(
            newsletter.slug, f"{newsletter} has no postal address, which the law asks for. Add it in the admin."
        )
    domain = newsletter.sender_address.rpartition("@")[2].lower()
    if not domain or domain.endswith(tuple(f".{name}" for name in NO_REAL_DOMAINS)) or domain in NO_REAL_DOMAINS:
        yield wrong_if_public(newsletter.slug, f"{newsletter} is sent from {domain or 'nowhere'}, which no mail server "
                              "will believe. Set the sender's address to one of your domain.")  # fmt: skip


def _schedules(newsletter: Newsletter) -> Iterator[Finding]:
    """A digest's readers must not be able to choose a cadence at which nothing is ever sent."""
    if newsletter.kind != Newsletter.Kind.DIGEST:
        return
    active = Schedule.objects.filter(newsletter=newsletter, is_active=True).values_list("cadence", flat=True)
    for cadence in newsletter.cadences:
        if cadence not in set(active):
            offer = f"{newsletter} offers “{Cadence(cadence).label}”, but has no active schedule for it"
            yield wrong(newsletter.slug, f"{offer}: whoever chose that gets nothing. Add one, or take the offer back.")
