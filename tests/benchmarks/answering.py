"""Whether the time of an answer tells what an address is to us: a stranger's, waiting, subscribed, or suppressed.

    make bench-answering                                    SQLite
    DATABASE_URL=postgres://… make bench-answering          PostgreSQL

Each form is sent in-process, without a network that would blur the times, to addresses of the four kinds in random
order, each address once. Printed are the medians, and how often an answer of a kind takes longer than a stranger's:
50 % would tell nothing at all. Beyond about three standard errors (z) somebody could learn something from very many
tries; an address has a handful of them, as its network is limited. Nothing is asserted: times are not facts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

from tests.benchmarks.mailing import database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="addresses of each kind and form")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, database() as url:
        environment = {
            **os.environ, "DATA_DIR": folder, "DATABASE_URL": url or f"sqlite:///{folder}/db.sqlite3",
            "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "ERROR", "SIGN_UPS_PER_HOUR": "1000000",
            "SIGN_UPS_PER_NETWORK_AND_HOUR": "1000000", "SIGN_UPS_PER_DOMAIN_AND_HOUR": "1000000",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.benchmarks.answering_run", str(options.rounds)]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
