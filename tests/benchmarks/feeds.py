"""Feeds polled per minute and articles imported per second by one worker, beside a plain baseline, in one run.

    make bench-feeds                                          SQLite
    DATABASE_URL=postgres://… make bench-feeds                SQLite, then PostgreSQL (a database of its own)
    .venv/bin/python -m tests.benchmarks.feeds --feeds 20     for the impatient

Every feed lies on a machine of its own (127.0.0.x) and is served by another process. Ours: ``polling.poll_due``, as the
worker runs it: claims, conditional GET, parsing in a process of its own, cleaning, looking for the same story. The
baseline: urllib3, feedparser, and each entry saved by get_or_create, one after the other; it cleans nothing, compares
nothing and fetches whole documents. Each run is a process of its own, on an empty site.
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

FEEDS = 60
ROW = "{:<12}{:<24}{:>8}{:>10}{:>14}{:>12}{:>10}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=FEEDS)
    feeds = parser.parse_args().feeds
    sys.stdout.write(ROW.format("", "", "feeds", "seconds", "feeds/minute", "articles/s", "peak MB") + "\n")
    urls = [url for url in ("", os.environ.get("DATABASE_URL", "")) if not url or url.startswith("postgres")]
    for is_postgresql in range(len(urls)):
        for kind in ("ours", "baseline"):
            for figures in measured(kind, feeds, is_postgresql=bool(is_postgresql)):
                show("PostgreSQL" if is_postgresql else "SQLite", kind, figures)


def show(database_name: str, kind: str, figures: dict[str, Any]) -> None:
    seconds, feeds = figures["seconds"], figures["feeds"]
    per_second = f"{figures['articles'] / seconds:,.0f}" if figures["articles"] else ""
    line = ROW.format(
        database_name, f"{kind}, {figures['what']}", feeds, f"{seconds:.1f}", f"{feeds / seconds * 60:,.0f}",
        per_second, f"{figures['peak_mb']:.0f}",
    )  # fmt: skip
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measured(kind: str, feeds: int, *, is_postgresql: bool) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, database() as url:
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": url if is_postgresql else f"sqlite:///{folder}/db.sqlite3",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "-m", "tests.benchmarks.feeds_run", str(feeds)]
        with subprocess.Popen([*command, "serve"], env=environment, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            try:
                output = subprocess.run(
                    [*command, kind, port], env=environment, check=True, stdout=subprocess.PIPE, text=True
                ).stdout
            finally:
                server.terminate()
    figures: list[dict[str, Any]] = json.loads(output.splitlines()[-1])
    return figures


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    main()
