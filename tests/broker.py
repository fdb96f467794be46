"""The broker of a test process: the product's own embedded one, started on the process's data directory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from config import broker

START_SECONDS = 10


@contextmanager
def running(data_dir: Path) -> Iterator[Path]:
    """A broker that lives as long as the block; gives its socket."""
    socket = broker.socket_path(data_dir)
    directory = data_dir / "valkey"
    directory.mkdir(exist_ok=True)
    with (data_dir / "valkey.log").open("ab") as log:
        process = subprocess.Popen(broker.command(socket=socket, directory=directory), stdout=log, stderr=log)
    try:
        _wait(socket, process)
        yield socket
    finally:
        process.terminate()
        process.wait(10)


def _wait(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                client.ping()
                return
        except redis.ConnectionError:
            time.sleep(0.01)
    raise RuntimeError(f"the broker did not start; see {socket.parent / 'valkey.log'}")
