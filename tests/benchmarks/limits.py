"""How exactly speed limits hold: the fewest and the most mails in any ten seconds, as the server counts.

    make bench-limits

Several processes share a limit, far from and near to the store that keeps it and the server that they send to.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", **os.environ,
            "DATA_DIR": folder, "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "tests.benchmarks.limits_run"], env=environment, check=True)


if __name__ == "__main__":
    main()
