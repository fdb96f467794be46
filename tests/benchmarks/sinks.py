"""SMTP servers that take everything and keep nothing, as processes of their own that share no time with the sender.

`FastSink` is ours, in C (fastsink.c, built with ``cc`` when it is first needed); `SmtpSink` is Postfix's `smtp-sink`.

    with FastSink(delay_ms=20) as sink:
        ...  # send to sink.port
        sink.figures()["messages"]
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SOURCE = Path(__file__).with_name("fastsink.c")


class NoSuchSinkError(RuntimeError):
    """What it takes to build or run it is not installed; the text says what."""


@cache
def built() -> Path:
    """The path of the program. Raises NoSuchSinkError."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoSuchSinkError("fastsink needs a C compiler (Debian: apt-get install gcc libc6-dev)")
    folder = Path(tempfile.mkdtemp(prefix="fastsink-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = folder / "fastsink"
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE)], check=True)
    return program


class FastSink:
    """A running fastsink. ``port=0`` takes a free one."""

    def __init__(
        self,
        *,
        port: int = 0,
        delay_ms: float = 0,
        pipelining: bool = True,
        chunking: bool = True,
        journal: Path | None = None,
    ) -> None:
        options = ["--port", str(port), "--delay", str(delay_ms)]
        options += [] if pipelining else ["--no-pipelining"]
        options += [] if chunking else ["--no-chunking"]
        options += ["--journal", str(journal)] if journal else []
        self._process = subprocess.Popen([str(built()), *options], stdout=subprocess.PIPE, text=True)
        self.port = int(self._line())

    def figures(self) -> dict[str, Any]:
        """messages, bytes, distinct (recipients), connections, seconds and cpu_seconds since the last call."""
        self._process.send_signal(signal.SIGUSR1)
        figures: dict[str, Any] = json.loads(self._line())
        return figures

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.communicate()


class SmtpSink:
    """Postfix's smtp-sink. It counts for itself only, so that its figures are CPU seconds alone."""

    def __init__(self) -> None:
        program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin")
        if program is None:
            raise NoSuchSinkError("smtp-sink is not installed (Debian: apt-get install postfix)")
        self.port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it must not run as root
        command = [program, *user, f"127.0.0.1:{self.port}", "1000"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._cpu_before = 0.0
        wait_for(self.port)

    def figures(self) -> dict[str, Any]:
        cpu = cpu_seconds(self._process.pid)
        self._cpu_before, cpu = cpu, cpu - self._cpu_before
        return {"cpu_seconds": cpu}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()


def wait_for(port: int) -> None:
    """Until somebody listens; raises TimeoutError."""
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
