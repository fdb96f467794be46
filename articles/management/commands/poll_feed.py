"""``manage.py poll_feed URL``: ask one feed now."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from articles.feeds import importing
from articles.feeds.first_import import FirstImport
from articles.feeds.importing import PollReport, UnknownTopics
from articles.feeds.network import AddressRefused


class Command(BaseCommand):
    help = "Imports an RSS or Atom feed now; adds it if it is new, so that it is polled regularly from then on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="the feed's address, http:// or https://")
        parser.add_argument(
            "--topic", nargs="+", action="extend", default=[], metavar="SLUG", help="topics it is about"
        )
        parser.add_argument(
            "--first",
            choices=FirstImport.values,
            default=FirstImport.EVERYTHING,
            help="what to take of what a new feed already has (%(default)s); at most its ten newest are mailed",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, url: str, topic: list[str], first: str, json: bool, **options: Any) -> None:
        now = timezone.now()
        if not json:
            self.stdout.write(_("Asking %(url)s …") % {"url": url})
            self.stdout.flush()
        try:
            feed = importing.register(url=url, topic_slugs=topic, now=now)
        except (UnknownTopics, AddressRefused) as error:
            raise CommandError(str(error)) from error
        feed.claim_poll(now)
        self._tell(importing.poll(feed=feed, now=now, first=FirstImport(first)), as_json=json)

    def _tell(self, report: PollReport, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False))
        elif report.is_success:
            self.stdout.write(_in_words(report))
        if not report.is_success:
            raise CommandError(f"{report.feed}: {report.error}")


def _in_words(report: PollReport) -> str:
    if report.outcome == importing.PollOutcome.NOT_MODIFIED:
        return _("%(feed)s: nothing has changed since the last time.") % {"feed": report.feed}
    counts = _("%(feed)s: %(new)s new, %(updated)s updated, %(unchanged)s unchanged, %(pictures)s pictures.")
    lines = [counts % report.as_dict()]
    lines += [_("  left out: “%(item)s”: %(reason)s") % vars(refused) for refused in report.refused]
    return "\n".join(lines)
