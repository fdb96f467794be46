"""Mails made and handed over per second, without a ledger: ours, the standard library's and Django's, in one run.

    make bench-sending                  three rounds of everything, interleaved; medians

Every message is personal (40 KB, two signed links). "Links measured": as for readers who agreed to it, with the ten
stories' links, and a picture, of their own. Sinks: ours in C (fastsink.c), with all it can and with less; the
same with every answer 20 ms late; Postfix's smtp-sink, and a throw-away Postfix as relay, where they are installed.
Processor time is that of the senders and of the sink, in microseconds a message.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.benchmarks.postfix import PostfixRelay
from tests.benchmarks.sinks import FastSink, NoSuchSinkError, SmtpSink

COLUMNS = ("", "connections", "processes", "messages/s", "ours µs", "sink µs", "peak MB")
ROW = "{:<42}" + "{:>12}" * (len(COLUMNS) - 1)


class Sink(Protocol):
    port: int

    def figures(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Case:
    name: str
    sink: Callable[[], AbstractContextManager[Sink]]
    count: int
    kind: str = "ours"
    connections: int = 4
    window: int = 64
    processes: int = 1


@dataclass
class Measured:
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    sink_cpu: list[float] = field(default_factory=list)
    peak_mb: float = 0


def cases(count: int) -> list[Case]:
    def plain() -> FastSink:
        return FastSink(pipelining=False, chunking=False)

    def pipelining() -> FastSink:
        return FastSink(chunking=False)

    def far() -> FastSink:
        return FastSink(delay_ms=20)

    return [
        Case("Django, template and message per reader", FastSink, count // 100, kind="django", connections=1),
        Case("smtplib.sendmail, our bytes", FastSink, count // 10, kind="smtplib", connections=1),
        Case("ours, plain", plain, count // 2),
        *(Case("ours, PIPELINING", pipelining, count, connections=each) for each in (1, 4, 10)),
        *(Case("ours, CHUNKING", FastSink, count, connections=each) for each in (1, 4, 10)),
        Case("ours, PIPELINING, links measured", pipelining, count, kind="measured"),
        Case("ours, CHUNKING, links measured", FastSink, count, kind="measured"),
        Case("ours, PIPELINING", pipelining, count, processes=2),
        Case("ours, CHUNKING", FastSink, count, processes=2),
        Case("ours, CHUNKING, answers 20 ms late", far, count, connections=4, window=8),
        Case("ours, CHUNKING, answers 20 ms late", far, count),
        Case("ours, CHUNKING, answers 20 ms late", far, count, connections=10, window=32),
        Case("ours to smtp-sink (PIPELINING)", SmtpSink, count // 2, connections=10),
        Case("smtplib.sendmail to smtp-sink", SmtpSink, count // 10, kind="smtplib", connections=1),
        Case("ours to a Postfix", PostfixRelay, count // 10, connections=10),
        Case("smtplib.sendmail to a Postfix", PostfixRelay, count // 20, kind="smtplib", connections=1),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="messages of ours a run; the baselines get fewer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="the cases whose name has this in it")
    options = parser.parse_args()
    todo = [(case, Measured()) for case in cases(options.count) if options.only in case.name]
    missing: set[str] = set()
    before = os.getloadavg()[0]
    for _ in range(options.rounds):
        for case, measured in todo:
            try:
                measure(case, measured)
            except NoSuchSinkError as error:
                missing.add(f"{error}: left out.")
    show(*COLUMNS)
    for case, measured in todo:
        if measured.rates:
            show_case(case, measured)
    sys.stdout.write("".join(f"{text}\n" for text in sorted(missing)))
    sys.stdout.write(f"Load of the machine: {before:.1f} before, {os.getloadavg()[0]:.1f} at the end, ours included.\n")


def show(*cells: str) -> None:
    sys.stdout.write(ROW.format(*cells) + "\n")


def show_case(case: Case, measured: Measured) -> None:
    name = case.name + (f", window {case.window}" if "20 ms" in case.name else "")
    show(
        name, str(case.connections), str(case.processes), f"{statistics.median(measured.rates):,.0f}",
        f"{statistics.median(measured.cpu):.0f}", f"{statistics.median(measured.sink_cpu):.0f}",
        f"{measured.peak_mb:.0f}",
    )  # fmt: skip


def measure(case: Case, measured: Measured) -> None:
    """One run of a case. Raises NoSuchSinkError."""
    with case.sink() as sink:
        share = case.count // case.processes
        senders = [_sender(case, sink.port, share, number * share) for number in range(case.processes)]
        for sender in senders:
            assert sender.stdout
            sender.stdout.readline()
        sink.figures()
        told = [json.loads(output) for output in _outputs(senders)]
        figures = sink.figures()
    count = share * case.processes
    seconds = max(each["ended_at"] for each in told) - min(each["began_at"] for each in told)
    if sum(each["accepted"] for each in told) != count or figures.get("messages", count) != count:
        sys.exit(f"{case.name}: {told} accepted, the sink has {figures}, of {count}")
    measured.rates.append(count / seconds)
    measured.cpu.append(sum(each["cpu"] for each in told) / count * 1e6)
    measured.sink_cpu.append(figures["cpu_seconds"] / count * 1e6)
    measured.peak_mb = max([measured.peak_mb, *(each["peak_mb"] for each in told)])


def _sender(case: Case, port: int, count: int, first: int) -> subprocess.Popen[str]:
    options = [case.kind, *map(str, (port, count, case.connections, case.window, first))]
    command = [sys.executable, "-m", "tests.benchmarks.sending_run", *options]
    environment = {**os.environ, "SITE_URL": "https://news.example.org", "LOG_LEVEL": "ERROR"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def _outputs(senders: list[subprocess.Popen[str]]) -> list[str]:
    for sender in senders:
        assert sender.stdin
        sender.stdin.write("go\n")
        sender.stdin.flush()
    return [sender.communicate()[0] for sender in senders]


if __name__ == "__main__":
    main()
