"""From a machine's name to its addresses, within a time of ours: the system's resolver knows no limit.

It cannot be interrupted either, so it is asked in a thread of its own, which is left behind if it takes too long. At
most MOST_WAITING of them hang at a time; whoever comes then waits for a place, no longer than for an answer.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic

MOST_WAITING = 64

type Address = IPv4Address | IPv6Address

_places = threading.BoundedSemaphore(MOST_WAITING)


def addresses_of(host: str, port: int, *, seconds: float) -> list[Address]:
    """In the resolver's order, each once. Raises TimeoutError; OSError or UnicodeError if there is no such machine."""
    deadline, places = monotonic() + seconds, _places
    if not places.acquire(timeout=max(seconds, 0)):
        raise TimeoutError
    answer: Future[list[Address]] = Future()
    try:
        threading.Thread(target=_ask, args=(host, port, answer, places), name="resolver", daemon=True).start()
    except RuntimeError:  # the system has no thread left
        places.release()
        raise TimeoutError from None
    return answer.result(timeout=max(deadline - monotonic(), 0))


def _ask(host: str, port: int, answer: Future[list[Address]], places: threading.Semaphore) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.set_result(list(dict.fromkeys(ip_address(entry[4][0]) for entry in found)))
    except BaseException as error:  # noqa: BLE001 (it is raised where the answer is awaited)
        answer.set_exception(error)
    finally:
        places.release()
