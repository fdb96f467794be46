"""``manage.py demo``: fill an empty site with a fictional local news site."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.demo import filling


class Command(BaseCommand):
    help = "Fill an empty site with a fictional local news site: articles, three newsletters, an editor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing, quietly, if the site is not empty")
        parser.add_argument("--password", default="", help="the editor's password; without it, a random one")
        parser.add_argument("--json", action="store_true", help="say what was made as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            filled = filling.fill(now=timezone.now(), password=options["password"])
        except filling.NotEmptyError:
            if not options["if_empty"]:
                raise CommandError(
                    "This site already has articles or newsletters, so nothing was changed. "
                    "The demo is for an empty site: set DATA_DIR to a new folder to try it."
                ) from None
            if options["json"]:
                self.stdout.write(json.dumps({"filled": False}))
            return
        self.stdout.write(json.dumps({"filled": True, **asdict(filled)}) if options["json"] else _told(filled))


def _told(filled: filling.Filled) -> str:
    sign_in = f"name {filled.editor}, password {filled.password}  (shown only now)"
    if filled.password is None:
        sign_in = f"name {filled.editor}, whose password stays as it was"
    return (
        f"Filled {settings.SITE_NAME} with {filled.articles} articles ({filled.pictures} with pictures) on "
        f"{filled.topics} topics by {filled.authors} authors, {filled.newsletters} newsletters, "
        f"{filled.schedules} schedules and {filled.offers} offer.\n"
        f"Site   {settings.SITE_URL}/\n"
        f"Admin  {settings.SITE_URL}/admin/  {sign_in}"
    )
