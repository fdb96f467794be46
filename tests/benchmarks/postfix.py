"""A throw-away Postfix as relay: its own folders and port, takes mail like any other, queues it, and discards it.

Nothing of an installed Postfix is touched, and none need run. It wants root, as Postfix does.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.sinks import NoSuchSinkError, cpu_seconds, free_port, wait_for

OWNERS, GROUPS = ("postfix", "daemon"), ("postdrop", "games")
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = {commands}
mail_owner = {owner}
setgid_group = {group}
myhostname = relay.example
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
default_transport = discard:
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}
"""
MASTER = """
127.0.0.1:{port} inet n - n - 100 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class PostfixRelay:
    """A running one, on ``port``."""

    def __init__(self) -> None:
        commands, daemons = _folders()
        if os.geteuid() != 0:
            raise NoSuchSinkError("a throw-away Postfix needs root")
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        owner = next(name for name in OWNERS if _exists(pwd.getpwnam, name))
        group = next(name for name in GROUPS if _exists(grp.getgrnam, name))
        self._make_folders(owner, group)
        libraries = os.environ.get("LD_LIBRARY_PATH", "")
        main = MAIN.format(
            folder=self._folder, daemons=daemons, commands=commands, owner=owner, group=group, libraries=libraries
        )
        (self._folder / "main.cf").write_text(main)
        (self._folder / "master.cf").write_text(MASTER.format(port=self.port))
        self._process = subprocess.Popen(
            [str(daemons / "master"), "-c", str(self._folder), "-d"], start_new_session=True
        )
        self._cpu_before = 0.0
        wait_for(self.port)

    def figures(self) -> dict[str, Any]:
        """Processor time of all its processes since the last call."""
        processes = [self._process.pid, *_children(self._process.pid)]
        cpu = 0.0
        for pid in processes:
            with suppress(OSError):  # it may have ended
                cpu += cpu_seconds(pid)
        self._cpu_before, cpu = cpu, cpu - self._cpu_before
        return {"cpu_seconds": cpu}

    def _make_folders(self, owner: str, group: str) -> None:
        self._folder.chmod(0o755)
        spool = self._folder / "spool"
        for folder in (spool, spool / "pid"):
            folder.mkdir()
        for folder in (self._folder / "data", *(spool / name for name in QUEUES)):
            folder.mkdir(mode=0o700)
            shutil.chown(folder, owner)
        for name in ("maildrop", "public"):
            (spool / name).mkdir(mode=0o730)
            shutil.chown(spool / name, owner, group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _folders() -> tuple[Path, Path]:
    """Where the commands and the daemons are. Raises NoSuchSinkError."""
    command = shutil.which("postconf") or shutil.which("postconf", path="/usr/sbin")
    if command is None:
        raise NoSuchSinkError("Postfix is not installed (Debian: apt-get install postfix)")
    commands = Path(command).parent
    for daemons in (commands.parent / "lib/postfix/sbin", commands.parent / "libexec/postfix"):
        if (daemons / "master").exists():
            return commands, daemons
    raise NoSuchSinkError("Postfix's daemons are not where they are looked for")


def _exists(look_up: Any, name: str) -> bool:
    with suppress(KeyError):
        look_up(name)
        return True
    return False


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found
