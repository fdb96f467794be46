"""Running several programs as one: prefixed output, restart with back-off, an orderly stop, no orphans."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

TICK_SECONDS = 0.2
LINES_KEPT = 12
LONGEST_LINE = 16_384
KILL = 3  # the severity of a stop at which nothing is asked any more
SOON_SECONDS = 15.0  # a part that ends by itself sooner than this after its start died quickly
MOST_QUICK_DEATHS = 5
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 30.0
# Seconds after which an unfinished stop turns harsher: from asking, to insisting, to killing.
PATIENCE_SECONDS = (30.0, 10.0)
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Part:
    """A program to keep running.

    ``insisting`` is the signal for a second, more urgent request to stop. What a quiet part prints is kept to itself
    unless it ends without being asked to.
    """

    name: str
    command: Sequence[str]
    insisting: signal.Signals = signal.SIGTERM
    stops_last: bool = False
    is_quiet: bool = False


@dataclass
class _Run:
    """A part and the process that runs it at present."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    starts_again_at: float | None = None
    quick_deaths: int = 0
    told: int = 0  # how severe the last request to stop was
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    rest: bytes = b""


class Supervisor:
    """Keeps parts running until a signal stops them all.

    The first SIGINT, SIGTERM or SIGHUP asks every part to finish what it does, the second insists, the third kills; so
    does the passing of PATIENCE_SECONDS. Only the main process of a part gets the first two signals, because Celery's
    pool processes must not be told by anybody but their own parent; killing reaches everything that a part started.
    Each part has a session of its own, so that a terminal's Ctrl-C reaches this process alone.
    """

    def __init__(self, *, say: Callable[[str], object], environment: dict[str, str]) -> None:
        self._say_to = say
        self._environment = environment
        self._runs: list[_Run] = []
        self._selector = selectors.DefaultSelector()
        self._requests = 0  # how often a signal asked to stop
        self._severity = 0
        self._severity_since = 0.0
        self._broken: _Run | None = None

    def _say(self, line: str) -> None:
        """Nobody may take it: the disk of the log is full, or who read it is gone. What runs goes on."""
        with contextlib.suppress(OSError):
            self._say_to(line)

    def start(self, part: Part) -> None:
        run = _Run(part)
        self._runs.append(run)
        self._spawn(run)

    @property
    def gave_up(self) -> bool:
        """Whether a part ended so often that it is not started again."""
        return self._broken is not None

    def is_up(self, name: str) -> bool:
        """Whether the part of this name has a process now."""
        return any(run.process for run in self._runs if run.part.name == name)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """While this lasts, signals stop the parts, in order."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, *, each_tick: Callable[[], object] = lambda: None) -> int:
        """Stay until all parts have ended. The exit status: 0 after a signal, 1 if a part would not stay up."""
        while any(run.process or run.starts_again_at for run in self._runs):
            self.tick()
            each_tick()
        if self._broken:
            self._say(f"{self._broken.part.name} keeps ending. Its last lines:")
            self._say_last_lines(self._broken)
        return 1 if self._broken else 0

    def tick(self) -> None:
        """Pass on what the parts print, for at most TICK_SECONDS, and do what is due: restart, stop, insist, kill."""
        for key, _events in self._selector.select(TICK_SECONDS):
            self._read(key.data)
        for run in self._runs:
            if run.process and run.process.poll() is not None:
                self._bury(run, run.process)
            elif run.starts_again_at and time.monotonic() >= run.starts_again_at:
                self._spawn(run)
        self._stop_as_asked()

    def kill(self) -> None:
        """End everything at once: for when something went wrong before or outside run()."""
        for run in self._runs:
            if run.process:
                _kill_group(run.process)
                run.process.wait()
                self._close(run.process.stdout)
                run.process = None

    # --- starting and ending one part ---------------------------------------------------------------------------------

    def _spawn(self, run: _Run) -> None:
        run.starts_again_at, run.rest, run.started_at = None, b"", time.monotonic()
        run.lines.clear()
        run.process = subprocess.Popen(  # noqa: S603 (the commands are our own)
            run.part.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # safe: this process has one thread
        )
        assert run.process.stdout
        os.set_blocking(run.process.stdout.fileno(), False)
        self._selector.register(run.process.stdout, selectors.EVENT_READ, run)

    def _bury(self, run: _Run, process: subprocess.Popen[bytes]) -> None:
        """The main process of a part has ended: take its last words and what it left behind, and start it again."""
        _kill_group(process)
        self._read(run)
        self._close(process.stdout)
        run.process = None
        if self._severity:
            return
        was_quick = time.monotonic() - run.started_at < SOON_SECONDS
        if not was_quick:
            run.quick_deaths = 0
        elif process.returncode != -signal.SIGKILL:  # killed from outside is no sign that it cannot run
            run.quick_deaths += 1
        if run.quick_deaths >= MOST_QUICK_DEATHS:
            self._broken = run
            self._stop()
            return
        delay = min(FIRST_DELAY_SECONDS * 2**run.quick_deaths, LONGEST_DELAY_SECONDS)
        run.starts_again_at = time.monotonic() + delay
        self._say(f"{run.part.name} ended ({_cause(process.returncode)}); starting it again")
        if run.part.is_quiet:
            self._say_last_lines(run)

    def _read(self, run: _Run) -> None:
        assert run.process
        if not run.process.stdout or run.process.stdout.closed:
            return
        try:
            data = os.read(run.process.stdout.fileno(), 65_536)
        except BlockingIOError:
            return
        *lines, run.rest = (run.rest + data).split(b"\n")
        if not data and run.rest:
            lines, run.rest = [run.rest], b""
        if len(run.rest) > LONGEST_LINE:
            lines, run.rest = [*lines, run.rest], b""
        for line in lines:
            self._pass_on(run, line.decode(errors="replace").rstrip())
        if not data:
            self._close(run.process.stdout)

    def _pass_on(self, run: _Run, line: str) -> None:
        if line:
            run.lines.append(line)
            if not run.part.is_quiet:
                self._say(f"{run.part.name:>6} | {line}")

    def _say_last_lines(self, run: _Run) -> None:
        for line in run.lines:
            self._say(f"{run.part.name:>6} | {line}")
        run.lines.clear()

    def _close(self, stream: IO[bytes] | None) -> None:
        if stream and not stream.closed:
            self._selector.unregister(stream)
            stream.close()

    # --- stopping -----------------------------------------------------------------------------------------------------

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._requests += 1  # no more than that: a signal may come in the middle of a print

    def _stop_as_asked(self) -> None:
        waited = time.monotonic() - self._severity_since
        if self._requests > self._severity < KILL:
            self._say(("Stopping.", "Stopping at once.", "Killing what is left.")[self._severity])
            self._stop()
        elif 0 < self._severity < KILL and waited > PATIENCE_SECONDS[self._severity - 1]:
            self._stop()
        if self._severity:
            self._tell()

    def _stop(self) -> None:
        """Ask all parts to end or, if that was done before, do it more harshly."""
        self._severity += 1
        self._requests = max(self._requests, self._severity)
        self._severity_since = time.monotonic()
        for run in self._runs:
            run.starts_again_at = None

    def _tell(self) -> None:
        """Pass the request on to every part that was not told yet; to the last ones when the others are gone."""
        alive = [run for run in self._runs if run.process]
        first = [run for run in alive if not run.part.stops_last]
        for run in alive if self._severity == KILL else first or alive:
            if run.process and run.told < self._severity:
                run.told = self._severity
                self._signal(run.part, run.process)

    def _signal(self, part: Part, process: subprocess.Popen[bytes]) -> None:
        if self._severity == KILL:
            _kill_group(process)
        else:
            process.send_signal(signal.SIGTERM if self._severity == 1 else part.insisting)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left in a part's session: its main process was made the leader of a group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the second of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)


def _cause(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _die_with_parent() -> Callable[[], None] | None:
    """What a child does first, on Linux: ask for SIGTERM if its parent dies, however that happens; see prctl(2).

    Other systems have nothing like it; there, killing the launcher with -9 leaves the parts running.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask
