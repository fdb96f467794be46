"""Subscribers imported per second and peak memory, beside saving row by row, in one run.

    make bench-importing                                                1,000,000 rows, SQLite
    DATABASE_URL=postgres://… make bench-importing                      SQLite, then PostgreSQL (a database of its own)
    make bench-importing ROWS=100000                                    for the impatient

Ours: ``import_subscribers`` as a person calls it, from the file to the end: taken in, checked for words that nobody
knows, entered with subscription and proof of consent. The baseline: for each row the ORM's get_or_create of person and
subscription and a consent record, in transactions of 1,000; it is linear, so it gets fewer rows.
Each run is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.mailing import database

ROWS, BASELINE_ROWS = 1_000_000, 5_000
ROW = "{:<12}{:<28}{:>11}{:>10}{:>12}{:>10}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--baseline-rows", type=int, default=BASELINE_ROWS)
    options = parser.parse_args()
    sys.stdout.write(ROW.format("", "", "rows", "seconds", "rows/s", "peak MB") + "\n")
    urls = [url for url in ("", os.environ.get("DATABASE_URL", "")) if not url or url.startswith("postgres")]
    for is_postgresql in range(len(urls)):
        name = "PostgreSQL" if is_postgresql else "SQLite"
        show(name, "ours", measured("ours", options.rows, is_postgresql=bool(is_postgresql)))
        show(
            name, "baseline: row by row", measured("baseline", options.baseline_rows, is_postgresql=bool(is_postgresql))
        )


def show(database_name: str, name: str, figures: dict[str, Any]) -> None:
    rate = f"{figures['rows'] / figures['seconds']:,.0f}"
    line = ROW.format(
        database_name, name, f"{figures['rows']:,}", f"{figures['seconds']:.1f}", rate, f"{figures['peak_mb']:.0f}"
    )
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measured(kind: str, rows: int, *, is_postgresql: bool) -> dict[str, Any]:
    """The figures of one run, on an empty site of its own."""
    with tempfile.TemporaryDirectory() as folder, database() as url:
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": url if is_postgresql else f"sqlite:///{folder}/db.sqlite3",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "-m", "tests.benchmarks.importing_run", str(rows)]
        subprocess.run([*command, "prepare"], env=environment, check=True, stdout=subprocess.DEVNULL)
        output = subprocess.run([*command, kind], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    main()
