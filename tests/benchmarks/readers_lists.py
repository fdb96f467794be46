"""The desk's lists at a million readers: how long every page, search and filter takes, and by which plans.

    DATABASE_URL=postgres://… make bench-readers

It makes a database of its own on that server, fills it set-based, asks the pages of the desk through Django, and prints
for each the slowest of three times, its queries and their plans' nodes; then what the worker does by itself, turn by
turn. A sequential scan of a big table, or a query that reads more than MOST_READ rows of one, is marked, and makes the
exit status 1.
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
        command = [sys.executable, "-m", "tests.benchmarks.readers_lists_run", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
