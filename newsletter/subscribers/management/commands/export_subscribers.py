"""Write all subscriptions and the suppression list as CSV, to a file or to standard output."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from newsletter.subscribers.exporting import COLUMNS, SUPPRESSION_COLUMNS, as_csv, export_rows, suppression_rows
from newsletter.subscribers.models import Newsletter


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="where to write; standard output if left out")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--newsletter", metavar="SLUG", default="", help="only subscriptions to this one")
        what.add_argument("--suppressions", action="store_true", help="only the suppression list")
        parser.add_argument(
            "--raw", action="store_true", help="leave cells that a spreadsheet would compute as they are"
        )

    def handle(self, *, file: Path | None, newsletter: str, suppressions: bool, raw: bool, **_options: Any) -> None:
        only = Newsletter.objects.filter(slug=newsletter).first()
        if newsletter and only is None:
            raise CommandError(f"There is no newsletter {newsletter!r}.")
        columns, rows = (SUPPRESSION_COLUMNS, suppression_rows()) if suppressions else (COLUMNS, export_rows(only))
        try:
            with file.open("w", newline="", encoding="utf-8") if file else nullcontext(self.stdout) as output:
                for line in as_csv(columns, rows, raw=raw):
                    output.write(line)
        except BrokenPipeError:  # the reader has seen enough
            sys.stderr.close()
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from error
