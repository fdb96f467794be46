"""What mails cost to make: ``make bench-rendering`` prints a line for each layout.

An issue of 16 articles with pictures in readers' editions of 10 stories and 4 headlines each: the first edition, every
further one, template renders for one and for all of them, a reader's mail from a compiled edition, and bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "DATA_DIR": folder, "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "SITE_URL": "https://gazette.example", "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "tests.benchmarks.rendering_run"], env=environment, check=True)


if __name__ == "__main__":
    main()
