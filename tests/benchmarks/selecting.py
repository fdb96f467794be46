"""Selection, grouping, assembly and ledger for one due issue, at 10,000, 100,000 and 1,000,000 readers.

"first" is how long it takes from the launch until a worker holds the first mails and has rendered one; "slice" the
longest that other launches wait afterwards. The steps are sums over all slices, "all" is all of it by the clock, and
"cpu" what our process and PostgreSQL's worked for it: on a busy machine the clock says little.

    make bench-selecting                                   10,000 and 50,000 readers, SQLite
    DATABASE_URL=postgres://… make bench-selecting         10,000, 100,000 and 1,000,000 on PostgreSQL

Everybody is due at once: 60 % daily, 30 % weekly, 10 % monthly readers. 20 topics: 55 % of the readers follow all, 25 %
one of twelve presets, 20 % a choice of their own in a Zipf skew. 200 articles of the last week; daily readers have had
an issue on each of its days, weekly ones at its beginning. That week's ledger is made by launching those issues. The
baseline, in the same run, asks the same of a sample of readers one by one: the articles of their topics minus theirs.
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

ROW = "{:>10}{:>9}{:>12}{:>10}{:>12}{:>10}{:>10}{:>7}{:>8}{:>8}{:>9}{:>9}{:>9}{:>10}{:>9}{:>12}"
STEPS = ("audience", "plan", "assemble", "ledger")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    is_big = os.environ.get("DATABASE_URL", "").startswith("postgres")
    usual = [10_000, 100_000, 1_000_000] if is_big else [10_000, 50_000]
    parser.add_argument("--readers", type=int, nargs="+", default=usual)
    options = parser.parse_args()
    steps = (f"{step} s" for step in STEPS)
    write(
        "readers",
        "first s",
        *steps,
        "all s",
        "cpu s",
        "pg cpu",
        "slices",
        "slice s",
        "peak MB",
        "groups",
        "editions",
        "renders",
        "baseline s",
    )
    for readers in options.readers:
        show(readers, measured(readers))


def show(readers: int, figures: dict[str, Any]) -> None:
    times = [f"{figures[each]:.2f}" for each in ("first", *STEPS, "all", "cpu", "database_cpu")]
    slices = [f"{figures['slices']}", f"{figures['slice']:.2f}"]
    counts = (f"{figures[each]:,.0f}" for each in ("peak_mb", "groups", "editions", "renders", "baseline"))
    write(f"{readers:,}", *times, *slices, *counts)


def write(*cells: str) -> None:
    sys.stdout.write(ROW.format(*cells) + "\n")
    sys.stdout.flush()


def measured(readers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, database() as url:
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": url or f"sqlite:///{folder}/db.sqlite3",
            "LOG_LEVEL": "ERROR",
            "SITE_URL": "https://news.example.org",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "-m", "tests.benchmarks.selecting_run", str(readers)]
        subprocess.run([*command, "fill"], env=environment, check=True, stdout=subprocess.DEVNULL)
        output = subprocess.run(
            [*command, "launch"], env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    main()
