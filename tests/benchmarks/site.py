"""The public site under load, with a million articles and a million readers in its database.

    DATABASE_URL=postgres://… make bench-site                     (or python -m tests.benchmarks.site --articles N)

It makes a database of its own (on PostgreSQL, or a file of SQLite, with fewer rows by default), fills it set-based,
serves it with granian as `make run` does, and asks it with wrk: the site as it is, the site with PAGE_CACHE_SECONDS=0,
and plain Django (tests/benchmarks/site_plain.py), in one run. Then it times searches and lists, one after the other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

from tests.benchmarks.mailing import database


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("The load comes from wrk: install it (apt-get install wrk).")
    with tempfile.TemporaryDirectory() as folder, database() as url:
        environment = {
            **os.environ, "DATA_DIR": folder, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings",
            "SITE_URL": "http://localhost:8000", "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        if not url.startswith("postgres"):
            environment["DATABASE_URL"] = f"sqlite:///{folder}/db.sqlite3"
        command = [sys.executable, "-m", "tests.benchmarks.site_run", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
