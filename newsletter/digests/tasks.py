"""Doorbells of digests. The schedules stand in the database; running this twice or late does no harm."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from newsletter.digests import drafting, links, notices, rhythms, senders, versions


@shared_task
def sweep() -> None:
    """Draft and decide what is due."""
    drafting.run_due(now=timezone.now())
    rhythms.note_due(now=timezone.now())


@shared_task
def tell_editors() -> None:
    """Mail those who may approve what is held."""
    notices.tell(now=timezone.now())


@shared_task
def check_links() -> None:
    """Ask the links of the issues that go out next."""
    links.ask_for_issues(now=timezone.now())
    links.check_waiting(now=timezone.now())


@shared_task
def check_senders() -> None:
    """Ask the DNS about the domains that newsletters are sent from."""
    senders.check_domains(now=timezone.now())


@shared_task
def forget() -> None:
    """What was kept long enough."""
    versions.forget(now=timezone.now())
