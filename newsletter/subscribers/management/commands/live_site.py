from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from newsletter.subscribers import live_site


class Command(BaseCommand):
    help = (
        "Says whether this installation may mail its readers: a copy of the live site, or an older state of its "
        "database, mails nobody until you confirm it. Exit status 1: it may not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--confirm", action="store_true", help="this is the live site now: let mail go")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["confirm"] and live_site.confirm(now=timezone.now()):
            self.stdout.write("This is the live site now. What waits goes out within a minute.")
        elif reason := live_site.why_no_mail():
            self.stdout.write(f"{reason}\nIf this is the live site: manage.py live_site --confirm")
            sys.exit(1)
        else:
            self.stdout.write("Mail goes out.")
