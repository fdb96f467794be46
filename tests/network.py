"""No test reaches beyond this machine: a connection elsewhere fails loudly, a name elsewhere does not resolve."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterable
from typing import Any

LOCAL_NAMES = {None, "", "localhost", socket.gethostname()}
attempts: list[str] = []


class NetworkForbidden(AssertionError):
    """A test tried to talk to the outside world."""


def install() -> None:
    """Watch this process from now on. An audit hook sees every connection made through Python, and cannot be undone."""
    sys.addaudithook(_audit)


def take_attempts() -> list[str]:
    """What was tried since the last call; the code under test may have swallowed the error."""
    tried = list(attempts)
    attempts.clear()
    return tried


def is_local(host: object) -> bool:
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _audit(event: str, arguments: Iterable[Any]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        _connection, address = arguments
        if isinstance(address, tuple) and not is_local(address[0]):
            attempts.append(str(address[0]))
            raise NetworkForbidden(f"a test may connect to loopback only, not to {address[0]}")
    elif event == "socket.getaddrinfo":
        host = next(iter(arguments))
        if not is_local(host) and not _is_address(host):
            raise socket.gaierror(socket.EAI_NONAME, f"no name is resolved in tests: {host}")


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True
