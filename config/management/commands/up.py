from __future__ import annotations

import contextlib
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.launching import CannotStart, launch


class Command(BaseCommand):
    help = "Sets up what is missing and runs the whole site: broker, web server, worker and scheduler, until Ctrl-C."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            status = launch(say=self._say, now=timezone.now())
        except CannotStart as error:
            raise CommandError(str(error)) from error
        sys.exit(status)

    def _say(self, line: str) -> None:
        # A terminal that was closed must not keep the parts from being stopped.
        with contextlib.suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()
