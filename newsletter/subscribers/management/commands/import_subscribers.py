"""Bring in a list of subscribers: an export of another product (CSV or ZIP), or any CSV with a column of addresses.

Nobody who left is brought back, and no mail is sent unless --confirm-missing-consent asks for it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.subscribers.importing import forgetting, running, starting
from newsletter.subscribers.importing.applying import Outcome
from newsletter.subscribers.importing.files import UnreadableFile
from newsletter.subscribers.importing.formats import FIELDS, Meaning
from newsletter.subscribers.importing.interpreting import LEAVE_OUT
from newsletter.subscribers.importing.setting import Setting
from newsletter.subscribers.importing.vendors import BY_NAME
from newsletter.subscribers.models import ImportRun, Newsletter

MOST_PROBLEMS = 1000


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--newsletter", metavar="SLUG", default="", help="for rows that name none")
        parser.add_argument("--format", choices=sorted(BY_NAME), default="", help="if it should not be recognized")
        parser.add_argument("--map", nargs="+", default=[], metavar="COLUMN=FIELD", help=", ".join(FIELDS))
        parser.add_argument("--status", nargs="+", default=[], metavar="WORD=MEANING", help=", ".join(Meaning))
        parser.add_argument("--list", nargs="+", default=[], metavar="NAME=SLUG", help=f"{LEAVE_OUT} leaves it out")
        parser.add_argument("--date", nargs="+", default=[], metavar="COLUMN=FIELD", help="signed_up_at or recorded_at")
        order = "of 01/02/2024: day-first or month-first; - brings people in without these dates"
        parser.add_argument("--order", nargs="+", default=[], metavar="/=ORDER", help=order)
        parser.add_argument("--ground", default="", help="how these people agreed; kept with their consent")
        parser.add_argument("--labels", action="store_true", help="put the file's labels or tags on the readers")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
        parser.add_argument(
            "--confirm-missing-consent", action="store_true", help="mail those without a date of consent, and ask"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object for machines")

    def handle(self, *, file: Path, dry_run: bool, json: bool, **options: Any) -> None:
        run = self._begin(file, options)
        if dry_run:
            self._advance(run)
            self._refuse_questions(run.questions, run)
            self._report(run, run.forecast, is_json=json)
            self._give_up(run)
            return
        self._check_words(run)
        run.settle()
        run.start(timezone.now(), brings_labels=options["labels"])
        self._advance(run)
        self._report(run, run.counts, is_json=json)
        if run.status != ImportRun.Status.FINISHED:
            raise CommandError(run.error or f"The import is {run.get_status_display()}.")

    def _begin(self, file: Path, options: dict[str, Any]) -> ImportRun:
        slug = options["newsletter"]
        newsletter = Newsletter.objects.filter(slug=slug).first()
        if slug and newsletter is None:
            raise CommandError(f"There is no newsletter {slug!r}.")
        statuses = pairs(options["status"], values=set(Meaning), name="--status")
        slugs = {LEAVE_OUT, *Newsletter.objects.values_list("slug", flat=True)}
        lists = pairs(options["list"], values=slugs, name="--list")
        answers = {f"status:{word}": meaning for word, meaning in statuses.items()}
        answers |= {f"list:{name}": slug for name, slug in lists.items()}
        for kind in ("date", "order"):
            told = pairs(options[kind], values=set(starting.ANSWERS[kind]), name=f"--{kind}")
            answers |= {f"{kind}:{word}": answer for word, answer in told.items()}
        try:
            with file.open("rb") as upload:
                run = starting.begin(
                    upload=upload, name=file.name, now=timezone.now(), newsletter=newsletter, wanted=options["format"],
                    mapping=pairs(options["map"], values=set(FIELDS), name="--map"), answers=answers,
                    ground=options["ground"], confirms_missing_consent=options["confirm_missing_consent"],
                )  # fmt: skip
        except (OSError, UnreadableFile) as error:
            raise CommandError(f"{file}: {error}") from error
        self._introduce(run, is_json=options.get("json", False))
        if run.status == ImportRun.Status.ASKING:
            self._give_up(run)
            raise CommandError(f"{file}: no column is known to hold e-mail addresses. Name it: --map COLUMN=email")
        return run

    def _introduce(self, run: ImportRun, *, is_json: bool) -> None:
        if is_json or not self.stderr.isatty():
            return
        for part in starting.parts_of(run):
            about = starting.describe(part, run.mapping)
            self.stderr.write(f"{about['file']}: {about['label']}. {about['consequence']} {about['hint']}".rstrip())
            if about["unused"]:
                self.stderr.write(f"Not used: {', '.join(about['unused'])}")

    def _check_words(self, run: ImportRun) -> None:
        self._refuse_questions(running.unknown_words(run, Setting(run, writes=False)), run)

    def _refuse_questions(self, questions: list[dict[str, Any]], run: ImportRun) -> None:
        if not questions:
            return
        self._give_up(run)
        lines = [f'  --{each["kind"]} "{each["word"]}=…"   ({each["count"]} rows)' for each in questions]
        meanings = (
            f"A status means one of: {', '.join(Meaning)}. A list is a newsletter's slug, or {LEAVE_OUT}. A date is "
            f"signed_up_at (when they agreed) or recorded_at (when somebody entered them). The order of 01/02/2024 is "
            f"day-first, month-first, or {LEAVE_OUT} to bring people in without these dates."
        )
        raise CommandError("\n".join(["Nothing was imported. Please say what these words mean:", *lines, meanings]))

    def _give_up(self, run: ImportRun) -> None:
        run.cancel(timezone.now())
        forgetting.let_go(run, timezone.now())

    def _advance(self, run: ImportRun) -> None:
        while running.advance(import_run_id=run.pk, clock=timezone.now, tell=self._tell):
            pass
        run.refresh_from_db()

    def _tell(self, run: ImportRun) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{run.record_count:,} rows, {run.percent} %", ending="")

    def _report(self, run: ImportRun, counts: dict[str, int], *, is_json: bool) -> None:
        numbers = {outcome.value: counts.get(outcome.value, 0) for outcome in Outcome}
        numbers |= {name: counts.get(name, 0) for name in ("no_consent_date", "remarks")}
        rows = run.refusals.order_by("pk")[:MOST_PROBLEMS]
        problems = [{"line": refusal.line, "reason": refusal.reason} for refusal in rows]
        if is_json:
            formats = [part.format for part in starting.parts_of(run)]
            about = {"import": run.pk, "status": run.status, "formats": formats, "rows": run.record_count}
            self.stdout.write(json.dumps({**about, **numbers, "problems": problems}))
            return
        for problem in problems:
            self.stderr.write(f"line {problem['line']}: {problem['reason']}")
        self.stdout.write(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in numbers.items()))


def pairs(arguments: list[str], *, values: set[str], name: str) -> dict[str, str]:
    """``WORD=VALUE`` arguments, the word in lower case. Raises CommandError."""
    found: dict[str, str] = {}
    for argument in arguments:
        word, equals, value = argument.rpartition("=")
        if not equals or value not in values:
            raise CommandError(f"{name} {argument!r}: the part after the = is one of {', '.join(sorted(values))}.")
        found[word.lower()] = value
    return found
