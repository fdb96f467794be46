"""What an SMTP server says, read as it comes in (RFC 5321 section 4.2), and never more of it than a reply may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_MAX_LINE = 2048  # octets; the standard allows 512
_MAX_LINES = 100  # in one reply
_MAX_KNOWN = 16  # replies that need not be read again


class Reply(NamedTuple):
    code: int
    text: bytes  # without the codes, its lines joined by spaces


class BadReplyError(Exception):
    """What came in is no reply: nothing that follows can be trusted."""


class ReplyReader:
    """Puts the bytes of a connection together into replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun: list[bytes] = []  # the lines of a reply that goes on
        self._known: dict[bytes, Reply] = {}  # by their line: a server says the same to most commands

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that are complete now, one by one. Raises BadReplyError where they end to be replies."""
        if self._rest:
            data = self._rest + data
        lines = data.split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            reply = None if self._begun else self._known.get(line)
            if reply := reply or self._reply(line):
                yield reply
        if len(self._rest) > _MAX_LINE:
            raise BadReplyError("the server's answer has no end")

    def _reply(self, line: bytes) -> Reply | None:
        """The reply that ends with this line; None if it goes on. Raises BadReplyError."""
        code, mark = line[:3], line[3:4]
        if not (code.isdigit() and b"200" <= code < b"600" and mark in b" -\r" and len(line) <= _MAX_LINE):
            raise BadReplyError(f"the server's answer is none: {_shown(line)}")
        if not self._begun and mark != b"-":
            reply = Reply(int(code), line[4:].rstrip())
            if len(self._known) < _MAX_KNOWN:
                self._known[line] = reply
            return reply
        self._begun.append(line)
        if line[:3] != self._begun[0][:3] or len(self._begun) > _MAX_LINES:
            raise BadReplyError(f"the server's answer is none: {_shown(line)}")
        if mark == b"-":
            return None
        begun, self._begun = self._begun, []
        return Reply(int(code), b" ".join(each[4:].strip() for each in begun))


def _shown(line: bytes) -> str:
    return repr(line[:80].decode("utf-8", "replace"))
