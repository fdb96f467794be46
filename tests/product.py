"""The whole product as its users run it: ``manage.py up`` in a fresh directory, as real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import redis
import urllib3

from config import broker
from tests import prepared, workspace
from tests.architecture.sources import ROOT
from tests.console import Console

START_SECONDS, STOP_SECONDS = 240, 40
PARTS = {
    "web": "granian",
    "worker": "interactive,urgent,sweeps,campaigns",
    "prompt": " prompt@",
    "sweeps": " sweeps@",
    "beat": " beat ",
    "broker": "-server ",
}
PASSWORD = re.compile(r"name (\S+), password (\S+)")


def eventually[T](look: Callable[[], T], *, seconds: float = 20, every: float = 0.05) -> T:
    """What ``look`` gives as soon as that is true; TimeoutError after so many seconds. ``every`` is their pause."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{look} gave {found!r} for {seconds} s")
        time.sleep(every)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert isinstance(port, int)
        return port


@dataclass
class Product:
    """A running site. ``log`` is what its processes print."""

    name: str
    port: int
    data_dir: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    _client: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(timeout=10, retries=False))
    _console: Console | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> str:
        path = self.data_dir / "up.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def editor(self) -> tuple[str, str]:
        """Name and password, as the first start prints them."""
        match = PASSWORD.search(self.log)
        assert match, f"no password in the log:\n{self.log}"
        return match[1], match[2]

    # --- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        with (self.data_dir / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        eventually(self._is_up_or_dead, seconds=START_SECONDS)
        assert self.process.poll() is None, f"the product did not start:\n{self.log}"

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """For the end, and of a test that went wrong, too; the children die with their parent."""
        if self._console:
            self._console.close()
            self._console = None
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def processes_of(self, part: str) -> list[int]:
        """The main processes of ``web``, ``worker``, ``beat`` or ``broker``: children of the launcher."""
        assert self.process
        mark = PARTS[part]
        whole = ["ps", "-axww", "-o", "pid=,ppid=,args="]  # without ww, COLUMNS in the environment cuts the lines
        listed = subprocess.run(whole, capture_output=True, text=True, check=True).stdout
        rows = (line.split(None, 2) for line in listed.splitlines())
        return [int(pid) for pid, parent, command in rows if int(parent) == self.process.pid and mark in command]

    def kill_part(self, part: str) -> None:
        """kill -9 for a part and all that it started; the launcher starts it again."""
        (pid,) = self.processes_of(part)
        os.killpg(pid, signal.SIGKILL)

    def stop_part(self, part: str) -> None:
        """SIGTERM for a part, as a service manager or a container's end sends it; the launcher starts it again."""
        (pid,) = self.processes_of(part)
        os.kill(pid, signal.SIGTERM)

    def kill_child(self, part: str) -> None:
        """kill -9 for one of the processes that a part has started, as the kernel does when memory runs out."""
        os.kill(self.children_of(part)[0], signal.SIGKILL)

    def children_of(self, part: str) -> list[int]:
        """The processes that a part has started."""
        (parent,) = self.processes_of(part)
        listed = subprocess.run(["ps", "-ax", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        rows = (line.split() for line in listed.splitlines())
        return [int(pid) for pid, its_parent in rows if int(its_parent) == parent]

    def empty_broker(self) -> None:
        """The broker forgets everything, as one does that is restarted without its files."""
        url = self.environment.get("REDIS_URL")
        socket_path = str(broker.socket_path(self.data_dir))
        with redis.from_url(url) if url else redis.Redis(unix_socket_path=socket_path) as client:
            client.flushdb()
        if not url:
            self.kill_part("broker")

    def _is_up_or_dead(self) -> bool:
        assert self.process
        if self.process.poll() is not None:
            return True
        try:
            return self.get("/healthz/web").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    # --- talking to it ------------------------------------------------------------------------------------------------
    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        return self._client.request("GET", self._address(path), redirect=False)

    def post(self, path: str, fields: list[tuple[str, str]]) -> urllib3.BaseHTTPResponse:
        """An urlencoded form without any cookie."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._client.request("POST", self._address(path), body=urlencode(fields), headers=form, redirect=False)

    def manage(self, *arguments: str) -> str:
        """Run a command beside the running product; its output. Raises AssertionError with the traceback."""
        return self._prompt().manage(*arguments)

    def run(self, code: str) -> str:
        """Run Python beside the running product, on its database; what it prints."""
        return self._prompt().run(code)

    def rows(self, model: str) -> list[dict[str, Any]]:
        """Every row of ``app.Model``, by fields and ``pk``."""
        dumped = json.loads(self.manage("dumpdata", model))
        return [{"pk": row["pk"], **row["fields"]} for row in dumped]

    def _prompt(self) -> Console:
        self._console = self._console or Console(self)
        return self._console

    def _address(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.url}{path}"


@contextmanager
def running(name: str, *, on_given_redis: bool, bad_words: str = "Traceback", **environment: str) -> Iterator[Product]:
    """The product with its demo content on a database of its own.

    ``on_given_redis``: of a Redis that the tests were given it has a database to itself. Otherwise it uses the embedded
    broker anyway, without which there is no mailbox. At the end it must stop cleanly and have printed no ``bad_words``.
    """
    data_dir = Path(environment.get("DATA_DIR") or workspace.root() / f"{name}{workspace.worker_number()}")
    data_dir.mkdir()
    port = free_port()
    clean = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    wanted = {**clean, **environment, "DATA_DIR": str(data_dir), "PORT": str(port)}
    with _database(data_dir, wanted) as database_url, _redis(wanted=on_given_redis) as redis_url:
        product = Product(name, port, data_dir, {**wanted, **database_url, **redis_url})
        try:
            product.start()
            yield product
            assert product.stop() == 0, product.log
            assert bad_words not in product.log, f"the log says: {said_with(bad_words, product.log)}"
        finally:
            product.kill()


def said_with(words: str, log: str) -> str:
    """The line that has these words, and what follows: the end of a traceback says more than that of the log."""
    lines = log.splitlines()
    first = next(n for n, line in enumerate(lines) if words in line)
    return "\n".join(lines[first : first + 60])


@contextmanager
def _database(data_dir: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Of a site that is set up already, files and all, unless it lives on a server of its own."""
    if "DATABASE_URL" in environment:
        yield {}
        return
    server = os.environ.get("DATABASE_URL", "")
    with prepared.site(data_dir, environment, server=server if server.startswith("postgres") else "") as database_url:
        yield database_url


@contextmanager
def _redis(*, wanted: bool) -> Iterator[dict[str, str]]:
    """A database that no test and no other product of this run uses, or each would take the other's messages."""
    if not wanted or workspace.REDIS_VARIABLE not in os.environ:
        yield {}
        return
    with workspace.spare_redis_database() as url:
        with redis.from_url(url) as client:
            client.flushdb()  # an earlier run's messages speak of rows that this one's database does not have
        yield {"REDIS_URL": url}
