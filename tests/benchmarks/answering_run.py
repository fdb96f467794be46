"""One run of tests/benchmarks/answering.py, in a process and a database of its own."""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import gc
import os
import random
import statistics
import sys
from math import sqrt
from pathlib import Path
from time import perf_counter

import django

Path(os.environ["DATA_DIR"], "static").mkdir(exist_ok=True)  # whitenoise warns of a folder that is missing
django.setup()

from django.conf import settings
from django.core.management import call_command
from django.test import Client

from newsletter.subscribers.models import Suppression
from newsletter.subscribers.suppression import suppress
from tests import broker
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription

KINDS = ("stranger", "waiting", "subscribed", "suppressed")
FORMS = ("/subscribe/", "/my-link/", "/subscribe/check-inbox/")
ROW = "{:<26}{:<12}{:>10}{:>16}{:>8}"


def main() -> None:
    call_command("migrate", verbosity=0)
    with broker.running(Path(settings.DATA_DIR)):
        rounds = int(sys.argv[1])
        addresses = seed(rounds)
        write("form", "address", "median ms", "longer than a", "z")
        write("", "", "", "stranger's", "")
        for form in FORMS:
            show(form, measured(form, addresses))


def seed(rounds: int) -> list[tuple[str, str]]:
    newsletter = make_newsletter(slug="news")
    found: list[tuple[str, str]] = []
    for number in range(rounds):
        for kind in KINDS:
            email = f"{kind}{number:05}@{len(found):06}.example.org"
            found.append((kind, email))
            if kind != "stranger":
                status = "pending" if kind == "waiting" else "active"
                make_subscription(newsletter=newsletter, subscriber=make_subscriber(email=email), status=status)
            if kind == "suppressed":
                suppress(email=email, reason=Suppression.Reason.COMPLAINT, now=NOW)
    return found


def measured(form: str, addresses: list[tuple[str, str]]) -> dict[str, list[float]]:
    """Seconds of each answer, by what the address was. Strangers' addresses are others for each form."""
    client, times = Client(SERVER_NAME="localhost"), {kind: list[float]() for kind in KINDS}
    order = random.sample(addresses, len(addresses))
    for kind, email in [*order[:40], *order]:  # the first ones warm up
        name = f"{FORMS.index(form)}.{email}" if kind == "stranger" else email
        gc.disable()
        began = perf_counter()
        response = client.post(form, {"email": name, "newsletters": "news"})
        times[kind].append(perf_counter() - began)
        gc.enable()
        assert response.status_code == 303, response.status_code
    return {kind: each[10:] for kind, each in times.items()}


def show(form: str, times: dict[str, list[float]]) -> None:
    for kind in KINDS:
        share, error = longer(times[kind], times["stranger"])
        told = ("", "") if kind == "stranger" else (f"{share:.1%}", f"{(share - 0.5) / error:+.1f}")
        write(form, kind, f"{statistics.median(times[kind]) * 1000:.2f}", *told)


def longer(ones: list[float], others: list[float]) -> tuple[float, float]:
    """The share of pairs in which the one is longer (Mann and Whitney's U), and its standard error if none differ."""
    count = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    pairs = len(ones) * len(others)
    return count / pairs, sqrt((len(ones) + len(others) + 1) / (12 * pairs))


def write(*cells: str) -> None:
    sys.stdout.write(ROW.format(*cells) + "\n")


if __name__ == "__main__":
    main()
