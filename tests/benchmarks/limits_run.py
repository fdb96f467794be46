"""The benchmark of limits in a process of its own; see limits.py."""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import os
import sys
import uuid

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tests.delivery.pacing import WINDOW, Setting, arrivals, extremes

SECONDS = 10.0  # beyond one window
ROW = "{:>8}{:>11}{:>10}{:>10}{:>9}{:>9}{:>9}{:>9}\n"


def measure() -> None:
    store = "Redis" if settings.REDIS_URL else connection.vendor
    sys.stdout.write(f"limits kept by {store}; latencies are round trips\n")
    heads = ("a second", "processes", "store ms", "relay ms", "fewest", "most", "least", "greatest")
    sys.stdout.write(ROW.format(*heads))
    far = 0.2 if settings.REDIS_URL else 0.05
    for rate, processes, store_latency, relay_latency in (
        (20, 1, 0, 0), (100, 1, 0, 0), (100, 2, far, 0), (100, 4, far, 0.02), (20, 4, far, 0.2), (1000, 2, 0, 0),
        (1000, 4, far, 0),
    ):  # fmt: skip
        setting = Setting(rate, processes, store_latency, relay_latency)
        fewest, most = extremes(arrivals(setting, key=f"bench:{uuid.uuid4()}", seconds=SECONDS))
        off = [f"{100 * (found / (WINDOW * rate) - 1):+.1f} %" for found in (fewest, most)]
        row = (rate, processes, int(1000 * store_latency), int(1000 * relay_latency), fewest, most, *off)
        sys.stdout.write(ROW.format(*row))
        sys.stdout.flush()
    sys.stdout.write(f"load at the end: {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    measure()
