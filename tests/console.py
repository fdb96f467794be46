"""A Python prompt on a running site's database that stays open: a look takes milliseconds, a new process seconds.

``python -m tests.console`` reads a line of JSON, runs the code in it and answers with a line of JSON. Nothing
of one command is left for the next, its connections to the database neither: the server may be restarted in between.
"""

from __future__ import annotations

import io
import json
import selectors
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from types import TracebackType
from typing import Protocol, Self

import django
from django.db import connections

from tests.architecture.sources import ROOT

PATIENCE = 300  # seconds for a command, on a machine that does a lot else

MANAGE = """
from django.core.management import call_command
call_command(*{arguments!r})
"""


class Site(Protocol):
    """A product, or as much of it as is needed here."""

    @property
    def name(self) -> str: ...
    @property
    def environment(self) -> Mapping[str, str]: ...


class Console:
    """``with Console(site) as console``: run code and commands beside the running product."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with this

    def run(self, code: str) -> str:
        """Run Python; what it prints. Raises AssertionError with the traceback."""
        process = self._process or self._open()
        assert process.stdin
        process.stdin.write(json.dumps(code) + "\n")
        process.stdin.flush()
        answer = json.loads(self._answer(process))
        if answer["error"]:
            raise AssertionError(f"failed on {self._site.name}:\n{code}\n{answer['error']}")
        return str(answer["printed"])

    def manage(self, *arguments: str) -> str:
        """Run a management command; what it prints. Raises AssertionError with the traceback."""
        return self.run(MANAGE.format(arguments=arguments))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._close()
        self._log.close()

    def _open(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.console"],
            cwd=ROOT, env=self._site.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True,
        )  # fmt: skip
        return self._process

    def _answer(self, process: subprocess.Popen[str]) -> str:
        """The next line; the prompt is closed if none comes, and the next command opens another."""
        assert process.stdout
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            came = waiting.select(PATIENCE)
        if came and (line := process.stdout.readline()):
            return line
        self._close()
        self._log.seek(0)
        what = "died" if came else f"said nothing for {PATIENCE} s"
        raise AssertionError(f"the prompt on {self._site.name} {what}:\n{self._log.read()[-2000:]}")

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe
            with suppress(BrokenPipeError):  # what a dead prompt has not read
                pipe.close()


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever else is printed is no answer
    django.setup()
    for line in sys.stdin:
        answers.write(json.dumps(_answer_to(json.loads(line))) + "\n")
        answers.flush()


def _answer_to(code: str) -> dict[str, str]:
    printed, error = io.StringIO(), ""
    try:
        with redirect_stdout(printed):
            exec(code, {"__name__": "__console__"})  # noqa: S102 - that is what it is for
    except (Exception, SystemExit):  # noqa: BLE001 - told to who asked
        error = traceback.format_exc()
    finally:
        connections.close_all()
    return {"printed": printed.getvalue(), "error": error}


if __name__ == "__main__":
    main()
