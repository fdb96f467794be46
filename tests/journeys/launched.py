"""A site that `manage.py up` runs, as a real process with a data directory of its own."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests import product
from tests.architecture.sources import ROOT

# A start takes some seconds, and many times that on a machine that runs other tests beside this one.
PATIENCE_SECONDS = 90
eventually = functools.partial(product.eventually, seconds=PATIENCE_SECONDS)


class LaunchedSite:
    """`manage.py up` on a data directory; ended, with all its processes, when the block ends."""

    def __init__(self, data_dir: Path, *, port: int | None = None, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = port or product.free_port()
        self._log = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.log")
        without = {"DATABASE_URL", "REDIS_URL", "SITE_URL", "SECRET_KEY"}
        self.environment = {name: value for name, value in os.environ.items() if name not in without} | {
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            **environment,
        }

    def __enter__(self) -> Self:
        command = [sys.executable, str(ROOT / "manage.py"), "up"]
        with self._log.open("wb") as log:
            # A session of its own stands for a terminal: a signal to its group is what Ctrl-C sends.
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, start_new_session=True, cwd=self.data_dir.parent
            )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        for pid in [*self.processes(), self.process.pid]:
            _kill(pid)
        self.process.wait()

    @property
    def output(self) -> str:
        return self._log.read_text()

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_well(self) -> bool:
        eventually(lambda: self.get("/healthz")[0] == 200 or self.process.poll() is not None)
        return self.process.poll() is None

    def processes(self, *, running: str = "") -> list[int]:
        """Every process that works on this data directory, whoever its parent is now; from Linux's /proc."""
        return [
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if self._is_ours(folder) and running.encode() in _read(folder / "cmdline")
        ]

    def _is_ours(self, folder: Path) -> bool:
        """By its environment or, because Redis writes its title over that, by the socket in its title."""
        environment, title = _read(folder / "environ").split(b"\0"), _read(folder / "cmdline")
        return f"DATA_DIR={self.data_dir}".encode() in environment or f"{self.data_dir}/valkey.sock".encode() in title

    def main_process(self, running: str) -> int | None:
        """The process of one part that the launcher started itself."""
        for pid in self.processes(running=running):
            if f"PPid:\t{self.process.pid}\n".encode() in _read(Path(f"/proc/{pid}/status")):
                return pid
        return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
