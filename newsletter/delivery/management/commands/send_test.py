"""Mail an issue to one address, marked as a test; nothing is written to the ledger."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.delivery.outcomes import Fate, SenderRefusedError, TransportDownError
from newsletter.delivery.proofs import NothingToShowError, send_test
from newsletter.digests.models import Issue
from newsletter.digests.rendering import RenderingError
from newsletter.lib.addresses import InvalidAddress


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("issue", metavar="ISSUE", help="NEWSLETTER#NUMBER, or the issue's id")
        parser.add_argument("address", metavar="ADDRESS")
        parser.add_argument("--json", action="store_true", help="one line of JSON for machines")

    def handle(self, *, issue: str, address: str, json: bool, **_options: Any) -> None:
        try:
            outcome = send_test(find_issue(issue), address=address, now=timezone.now())
        except (InvalidAddress, NothingToShowError, RenderingError) as error:
            raise CommandError(str(error)) from error
        except (TransportDownError, SenderRefusedError) as error:
            raise CommandError(f"The mail server did not take it: {error}") from error
        if outcome.fate != Fate.ACCEPTED:
            raise CommandError(f"The mail server did not take it: {outcome.response}")
        self.stdout.write(_as_json(address) if json else f"Sent to {address}.")


def find_issue(name: str) -> Issue:
    """The issue called ``latest-news#12``, or with this id. Raises CommandError."""
    slug, _hash, number = name.rpartition("#")
    issues = Issue.objects.select_related("newsletter")
    found = issues.filter(newsletter__slug=slug, number=number) if slug and number.isdecimal() else issues.none()
    if name.isdecimal():
        found = issues.filter(pk=int(name))
    issue = found.first()
    if issue is None:
        raise CommandError(f"There is no issue {name!r}. Name it like latest-news#12, or by its id.")
    return issue


def _as_json(address: str) -> str:
    return json.dumps({"sent_to": address})
