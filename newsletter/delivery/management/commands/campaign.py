"""Show on a terminal how an issue is being sent: what its page at the desk shows, until it is over."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.delivery.desk.campaign.figures import Figures, figures
from newsletter.delivery.desk.campaign.wording import told
from newsletter.delivery.models import Campaign

EVERY_SECONDS = 1.0
WIDTH = 40


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("issue", metavar="ISSUE", help="the newsletter's slug, or slug/number of an older issue")
        parser.add_argument("--once", action="store_true", help="show it as it is now and do not wait")
        parser.add_argument("--json", action="store_true", help="one line of JSON for machines")

    def handle(self, *, issue: str, once: bool, json: bool, **_options: Any) -> None:
        while True:
            shown = figures(_campaign(issue), now=timezone.now())
            if json:
                self.stdout.write(_as_json(shown))
            else:
                self._show(shown, is_last=once or not shown.is_moving)
            if once or not shown.is_moving:
                return
            time.sleep(EVERY_SECONDS)

    def _show(self, shown: Figures, *, is_last: bool) -> None:
        """On a terminal a line that is written over and over; at the end, and elsewhere, everything."""
        words = told(shown)
        bar = "#" * (shown.percent * WIDTH // 100)
        counts = ", ".join(f"{value} {label}" for value, label, _status in words.figures)
        line = f"[{bar:<{WIDTH}}] {shown.percent:>3} %  {counts}. {words.sentence}"
        if not is_last and self.stdout.isatty():
            self.stdout.write(f"\r\x1b[K{line}", ending="")
            self.stdout.flush()
            return
        self.stdout.write(f"\r\x1b[K{line}" if self.stdout.isatty() else line)
        if is_last:
            self.stdout.write(f"{shown.campaign}: {words.state}")
            for group, numbers in shown.groups.items():
                name = group or "all others"
                counts = f"{numbers.accepted:>9,} accepted {numbers.deferred:>7,} put off {numbers.refused:>7,} refused"
                self.stdout.write(f"  {name:<24} {counts}")
            for limit in words.limits:
                parts = filter(None, [f"{limit.name}: {limit.speed}", limit.until, limit.words])
                self.stdout.write(f"  {', '.join(parts)}")
            for title, reasons in (("put off", shown.deferred), ("refused", shown.refused)):
                for why in reasons.whys:
                    self.stdout.write(f"  {why.count:>9,} {title}: {why.words}")


def _campaign(text: str) -> Campaign:
    slug, _slash, number = text.partition("/")
    found = Campaign.objects.filter(issue__newsletter__slug=slug).select_related("issue__newsletter")
    if number:
        found = found.filter(issue__number=int(number)) if number.isdecimal() else found.none()
    campaign = found.order_by("-pk").first()
    if campaign is None:
        raise CommandError(f"No campaign of {text!r}: nothing of it has been sent, or there is no such newsletter.")
    return campaign


def _as_json(shown: Figures) -> str:
    return json.dumps(
        {
            "issue": str(shown.campaign.issue),
            "status": shown.campaign.status,
            "reason": shown.campaign.reason,
            "counts": dict(shown.books.by_status),
            "rate": round(shown.rate, 1),
            "seconds_left": shown.seconds_left,
            "repeats": shown.campaign.repeat_count,
            "groups": {group: asdict(numbers) for group, numbers in shown.groups.items()},
            "put_off": {why.words: why.count for why in shown.deferred.whys},
            "refused": {why.words: why.count for why in shown.refused.whys},
            "limits": [asdict(limit) for limit in told(shown).limits],
        }
    )
