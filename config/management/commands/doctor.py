from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from config.diagnosis.examination import examine
from config.diagnosis.finding import Finding, Level


class Command(BaseCommand):
    help = "Looks for what is wrong with this installation, and says what to do. Exit status 0: nothing is wrong."
    requires_system_checks = ()  # a broken site is what this is for

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="all findings as one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        findings = []
        for finding in examine(now=timezone.now()):
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(self._line(finding))
        wrong = sum(finding.level == Level.WRONG for finding in findings)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not wrong, "findings": [asdict(finding) for finding in findings]}))
        else:
            self.stdout.write(f"{wrong} wrong." if wrong else "Nothing is wrong.")
        if wrong:
            sys.exit(1)

    def _line(self, finding: Finding) -> str:
        style = {Level.WELL: self.style.SUCCESS, Level.NOTE: self.style.WARNING, Level.WRONG: self.style.ERROR}
        return f"{style[finding.level](finding.level.value.rjust(5))}  {finding.sentence}"
