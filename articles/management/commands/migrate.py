from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as Migrate

from articles import search_index


class Command(Migrate):
    """Django's own, and then the index for search, which lives beside the models."""

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        is_only_asked = options["plan"] or options["check_unapplied"]
        if not is_only_asked and search_index.ensure(options["database"]) and options["verbosity"]:
            self.stdout.write("Built the index for search.")
