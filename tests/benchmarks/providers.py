"""Readers mailed per second through a provider's API: in batches, one call each, and anymail's own plain batch.

    make bench-providers

Against a local server that takes mail as Mailgun does, in a process of its own; the letter is a ten-story digest of the
demo site. No ledger: this is the way out alone. Each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

READERS, READERS_ONE_BY_ONE = 50_000, 1_000
KINDS = {
    "ours, editions of 1,000 readers": ("ours", READERS, 1000),
    "ours, editions of 100 readers": ("ours", READERS // 5, 100),
    "anymail, batches of 1,000": ("anymail", READERS // 5, 1000),
    "one call per reader, 4 at a time": ("single", READERS_ONE_BY_ONE, 1000),
}
ROW = "{:<36}{:>9}{:>8}{:>12}{:>16}{:>15}{:>12}{:>9}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="how often each is measured, in turns")
    options = parser.parse_args()
    heads = ("", "readers", "calls", "readers/s", "CPU µs/reader", "server's CPU", "bytes each", "peak MB")
    sys.stdout.write(ROW.format(*heads) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DATA_DIR": folder, "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "LOG_LEVEL": "ERROR",
            "SITE_URL": "https://news.example.org", "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        run(environment, "fill", "0", "0")
        for _ in range(options.runs):
            for name, (kind, readers, per_edition) in KINDS.items():
                measure(name, kind, readers, per_edition, environment)
    sys.stdout.write(f"load at the end: {os.getloadavg()[0]:.1f}\n")


def measure(name: str, kind: str, readers: int, per_edition: int, environment: dict[str, str]) -> None:
    with server() as (url, told):
        options = "&batch=1&connections=4" if kind == "single" else ""
        mailer = f"mailgun://key@mg.example.org?api_url={url}{options}"
        output = run({**environment, "MAILER_URL": mailer}, kind, str(readers), str(per_edition))
        figures, took = json.loads(output.splitlines()[-1]), told()
    rate, cpu = readers / figures["seconds"], figures["cpu_seconds"] / readers * 1e6
    counts = (f"{readers:,}", f"{took['calls']:,}", f"{rate:,.0f}", f"{cpu:.0f}")
    row = (*counts, f"{took['cpu_seconds'] / readers * 1e6:.0f}", f"{took['bytes'] / readers:,.0f}")
    sys.stdout.write(ROW.format(name, *row, f"{figures['peak_mb']:.0f}") + "\n")
    if took["recipients"] != readers:
        sys.exit(f"The server took {took['recipients']} readers instead of {readers}.")


def run(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.providers_run", *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def server() -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
    """The provider in a process of its own, and how to ask it what it took."""
    command = [sys.executable, "-m", "tests.benchmarks.providers_run", "serve", "0", "0"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout

        def told() -> dict[str, float]:
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            process.stdin.flush()
            figures: dict[str, float] = json.loads(process.stdout.readline())
            return figures

        try:
            yield process.stdout.readline().strip(), told
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
