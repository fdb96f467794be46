"""Readers mailed per second from the launch to the last outcome, ledger and all, beside a plain baseline, in one run.

    make bench-mailing                                     10,000 and 100,000 readers, SQLite
    DATABASE_URL=postgres://… make bench-mailing           the same on PostgreSQL (in a database of its own)

Ours: launch (audience, editions, ledger), claim, fill, hand over, settle, with one and with two sending processes, to a
fast sink that offers PIPELINING, or that and CHUNKING, or to a server that takes batches of 1,000 as Mailgun does.
``all/s`` counts from the launch, ``sent/s`` from its end.
The baseline: the same stories, for every reader a Django template rendered, a Django message built and sent over the
open connection of Django's SMTP backend; no ledger, no choice of articles.
Each step is a process of its own, so that its peak memory is its own. Processor time is told apart: the senders', that
of the database's processes that served them (on SQLite it is in the senders'), and the sink's, each in microseconds a
reader after the launch.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks import providers
from tests.benchmarks.sinks import FastSink

READERS = (10_000, 100_000)
PROCESSES = (1, 2)
WAYS = ("PIPELINING", "CHUNKING", "provider")
BASELINE_READERS = 400  # it is linear, and slow
COLUMNS = ("", "readers", "launch s", "all/s", "sent/s", "ours µs", "database µs", "sink µs", "peak MB", "KB each")
ROW = "{:<38}" + "{:>12}" * (len(COLUMNS) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, nargs="+", default=list(READERS))
    parser.add_argument("--processes", type=int, nargs="+", default=list(PROCESSES))
    parser.add_argument("--baseline-readers", type=int, default=BASELINE_READERS)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--tracking", nargs="+", default=["off"], choices=["off", "on"], help="of clicks and opens")
    options = parser.parse_args()
    show(*COLUMNS)
    for readers in options.readers:
        for processes in options.processes:
            for way, tracking in product(options.ways, options.tracking):
                told = measured(readers, processes=processes, way=way, is_tracked=tracking == "on")
                show_figures(f"{processes} × {way}{', tracked' * (tracking == 'on')}", readers, told)
    told = measured(options.baseline_readers, processes=0, way="PIPELINING")
    show_figures("baseline: template per reader", options.baseline_readers, told)


def show(*cells: str) -> None:
    sys.stdout.write(ROW.format(*cells) + "\n")
    sys.stdout.flush()


def show_figures(name: str, readers: int, told: dict[str, Any]) -> None:
    sink, each = told["sink"], 1e6 / readers
    show(
        name, f"{readers:,}", f"{told['launch']:.1f}", f"{readers / (told['launch'] + told['sending']):,.0f}",
        f"{readers / told['sending']:,.0f}", f"{told['cpu'] * each:.0f}", f"{told['database_cpu'] * each:.0f}",
        f"{sink['cpu_seconds'] * each:.0f}", f"{told['peak_mb']:.0f}", f"{sink['bytes'] / readers / 1000:.1f}",
    )  # fmt: skip
    if (sink["messages"], sink["distinct"]) != (readers, readers):
        sys.exit(f"The sink took {sink['messages']} messages to {sink['distinct']} readers instead of {readers}.")


def measured(readers: int, *, processes: int, way: str, is_tracked: bool = False) -> dict[str, Any]:
    """The figures of one run on a site and a sink of its own. Without ``processes``: of the baseline."""
    with tempfile.TemporaryDirectory() as folder, database() as database_url, sink_of(way) as (mailer, figures):
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": database_url or f"sqlite:///{folder}/db.sqlite3",
            "MAILER_URL": mailer,
            "SITE_URL": "https://news.example.org",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        Step("fill-tracked" if is_tracked else "fill", readers, environment).end()
        senders = [Step("drain" if processes else "baseline", readers, environment) for _ in range(processes or 1)]
        launcher = Step("launch", readers, environment) if processes else None
        launch = launcher.go() if launcher else {"launch": 0.0}
        started = time.perf_counter()
        for sender in senders:
            sender.start()
        told = [sender.result() for sender in senders]
        sending = time.perf_counter() - started
        if launcher:
            launcher.end()  # closes the books
        return {
            "launch": launch["launch"], "sending": sending, "sink": figures(),
            "cpu": sum(each["cpu"] for each in told), "database_cpu": sum(each["database_cpu"] for each in told),
            "peak_mb": max(each["peak_mb"] for each in told),
        }  # fmt: skip


@contextmanager
def sink_of(way: str) -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
    """The MAILER_URL of a server that takes mail in a process of its own, and what asks it what it took."""
    if way != "provider":
        with FastSink(chunking=way == "CHUNKING") as sink:
            yield f"smtp://127.0.0.1:{sink.port}", sink.figures
        return
    with providers.server() as (url, told):
        yield f"mailgun://key@mg.example.org?api_url={url}", lambda: as_sink(told())


def as_sink(told: dict[str, float]) -> dict[str, float]:
    """It counts readers, not who they are."""
    return {**told, "messages": told["recipients"], "distinct": told["recipients"]}


class Step:
    """A process of mailing_run, set up and waiting to be told to go."""

    def __init__(self, kind: str, readers: int, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.mailing_run", str(readers), kind]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout
        self._out.readline()  # it is ready

    def start(self) -> None:
        self._in.write("go\n")
        self._in.flush()

    def result(self) -> dict[str, Any]:
        line = self._out.readline()
        if not line:
            sys.exit("A step of the benchmark failed.")
        told: dict[str, Any] = json.loads(line)
        return told

    def go(self) -> dict[str, Any]:
        self.start()
        return self.result()

    def end(self) -> None:
        """Do what is left, and succeed."""
        self._in.write("go\n")
        self._in.close()
        if self._process.wait():
            sys.exit("A step of the benchmark failed.")


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty PostgreSQL database beside the one in DATABASE_URL; "" if that is not set."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield ""
        return
    name = f"broadsheet_bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    main()
