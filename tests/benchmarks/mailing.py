"""Readers mailed per second, ledger and all, beside a plain baseline, in one run.

    make bench-mailing                                     20,000 readers, SQLite
    DATABASE_URL=postgres://… make bench-mailing           the same on PostgreSQL (in a database of its own)

Ours: one worker process, one SMTP connection: launch (audience, editions, ledger), claim, fill, hand over, settle.
The baseline: the same stories, for every reader a Django template rendered, a Django message built and sent over the
open connection of Django's SMTP backend; no ledger, no choice of articles.
Each run is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

READERS = (5_000, 10_000, 20_000)
BASELINE_READERS = 400  # it is linear, and slow
ROW = "{:<34}{:>9}{:>11}{:>13}{:>14}{:>11}{:>9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, nargs="+", default=list(READERS))
    parser.add_argument("--baseline-readers", type=int, default=BASELINE_READERS)
    options = parser.parse_args()
    sys.stdout.write(ROW.format("", "readers", "seconds", "readers/s", "CPU ms/reader", "peak MB", "KB each") + "\n")
    for readers in options.readers:
        show("ours", measured("ours", readers))
    show("baseline: template per reader", measured("baseline", options.baseline_readers))


def show(name: str, figures: dict[str, Any]) -> None:
    rate = figures["readers"] / figures["seconds"]
    cpu = figures["cpu_seconds"] / figures["readers"] * 1000
    row = (name, f"{figures['readers']:,}", f"{figures['seconds']:.2f}", f"{rate:,.0f}", f"{cpu:.2f}")
    message_count, byte_count = figures["received"]
    size = byte_count / message_count / 1000
    sys.stdout.write(ROW.format(*row, f"{figures['peak_mb']:.0f}", f"{size:.1f}") + "\n")
    if message_count != figures["readers"]:
        sys.exit(f"The sink took {message_count} messages instead of {figures['readers']}.")


def measured(kind: str, readers: int) -> dict[str, Any]:
    """The figures of one run: a site, a sink and a process of its own, filled by another process."""
    with tempfile.TemporaryDirectory() as folder, database() as database_url, sink() as (port, received):
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": database_url or f"sqlite:///{folder}/db.sqlite3",
            "MAILER_URL": f"smtp://127.0.0.1:{port}",
            "SITE_URL": "https://news.example.org",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "-m", "tests.benchmarks.mailing_run", str(readers)]
        subprocess.run([*command, "fill"], env=environment, check=True, stdout=subprocess.DEVNULL)
        output = subprocess.run([*command, kind], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        figures: dict[str, Any] = json.loads(output.splitlines()[-1])
        figures["received"] = received()
    return figures


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


@contextmanager
def sink() -> Iterator[tuple[int, Any]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.sink"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    port = int(process.stdout.readline())

    def received() -> list[int]:
        process.terminate()
        return [int(number) for number in process.communicate()[0].split()]

    try:
        yield port, received
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    main()
