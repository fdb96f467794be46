"""The desk's pages of digests, deliveries and answers at a million readers: how long each page and each action takes.

    DATABASE_URL=postgres://… make bench-digest-pages

It makes a database of its own on that server, fills it set-based (five ledgers of a million sends), asks every page and
does every action through Django, each in a transaction that is rolled back, and prints the median of three times and
the number of queries. What takes more than MOST_SECONDS is marked, and makes the exit status 1. Then what the worker
does instead of these pages, slice by slice.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from tests.benchmarks.mailing import database


def main() -> None:
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        sys.exit("Set DATABASE_URL to a PostgreSQL server: that is what a million readers are kept on.")
    with tempfile.TemporaryDirectory() as folder, database() as url:
        environment = {
            **os.environ, "DATA_DIR": folder, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings",
            "SITE_URL": "http://localhost:8000", "LOG_LEVEL": "ERROR", "DEBUG": "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.benchmarks.digest_pages_run", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
