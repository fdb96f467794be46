"""Where and how to connect, and how much to have under way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """``timeout`` is in seconds and holds for every single answer."""

    host: str
    port: int
    timeout: float = 20
    username: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False
    connections: int = 4  # at most; as many as the server lets us have
    window: int = 64  # messages under way on a connection, at most, where the server offers PIPELINING and CHUNKING
    messages: int = 0  # on one connection before it is closed and another opened; 0 for any number
