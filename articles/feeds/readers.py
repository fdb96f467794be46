"""The processes that read documents for us: started when needed, kept while they are well, killed when they are not."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

DOCUMENTS_PER_READER = 200
MAX_KEPT = 4  # idle ones; no more run at a time than there are processors

_PROJECT_DIR = Path(__file__).resolve().parents[2]


class ReaderFailed(Exception):
    """The reader died of this document."""


class ReaderTimedOut(ReaderFailed):
    """The reader was killed, because it took too long."""


class Reader:
    """One such process."""

    def __init__(self, module: str, *limits: int) -> None:
        command = [sys.executable, "-m", module, *map(str, limits)]
        self.limits = limits
        self.count = 0
        self.process = subprocess.Popen(  # noqa: S603 (our own modules, and numbers)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=_PROJECT_DIR, env={}
        )

    def read(self, data: bytes, *, url: str, content_type: str, seconds: float) -> dict[str, Any]:
        """What the document says. Raises ReaderFailed, ReaderTimedOut; then this reader is no more."""
        self.count += 1
        late = threading.Event()
        watchdog = threading.Timer(seconds, self._give_up, [late])
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._exchange(data, url=url, content_type=content_type)
        except (OSError, ValueError) as error:
            raise (ReaderTimedOut if late.is_set() else ReaderFailed) from error
        finally:
            watchdog.cancel()

    def _exchange(self, data: bytes, *, url: str, content_type: str) -> dict[str, Any]:
        order = {"length": len(data), "url": url, "content_type": content_type}
        to_reader, from_reader = _pipes(self.process)
        to_reader.write(json.dumps(order).encode() + b"\n" + data)
        to_reader.flush()
        result: dict[str, Any] = json.loads(from_reader.readline())  # nothing, which is no JSON, if the reader died
        return result

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self.process.kill()

    def is_well(self) -> bool:
        return self.process.poll() is None and self.count < DOCUMENTS_PER_READER

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in _pipes(self.process):
            try:
                pipe.close()
            except OSError:  # what was not written yet has nobody to read it
                continue


class Readers:
    """Idle readers of one process of ours, which run ``module``; a fork has none of its parent's."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._idle: list[Reader] = []
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
        self._pid = os.getpid()
        atexit.register(self.end)

    def end(self) -> None:
        """End the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        if self._pid == os.getpid():
            for reader in idle:
                reader.end()

    def read(
        self, data: bytes, *, url: str, content_type: str, seconds: int, megabytes: int, max_items: int
    ) -> dict[str, Any]:
        """What the document says. Raises ReaderFailed, ReaderTimedOut."""
        with self._turns:
            reader = self._take(seconds, megabytes, max_items)
            try:
                result = reader.read(data, url=url, content_type=content_type, seconds=seconds)
            except BaseException:
                reader.end()
                raise
            self._give_back(reader)
            return result

    def _take(self, *limits: int) -> Reader:
        with self._lock:
            if self._pid != os.getpid():
                self._idle, self._pid = [], os.getpid()
            while self._idle:
                reader = self._idle.pop()
                if reader.is_well() and reader.limits == limits:
                    return reader
                reader.end()
        return Reader(self._module, *limits)

    def _give_back(self, reader: Reader) -> None:
        with self._lock:
            if reader.is_well() and len(self._idle) < MAX_KEPT:
                self._idle.append(reader)
                return
        reader.end()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
