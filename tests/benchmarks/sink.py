"""An SMTP server that takes everything and keeps nothing, as a process of its own, so that it shares no time with us.

One selector loop; offers PIPELINING. ``python -m tests.benchmarks.sink`` prints its port, and when it is told to stop
(SIGTERM) how many messages and bytes came in.
"""

from __future__ import annotations

import selectors
import signal
import socket
import sys
from types import FrameType

_GREETING = b"220 sink ESMTP\r\n"
_EHLO = b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n"
_REPLIES = {
    b"EHLO": _EHLO,
    b"HELO": b"250 sink\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
_OK = b"250 2.0.0 ok\r\n"
_END_OF_DATA = b"\r\n.\r\n"


class Session:
    """One connection: what is not understood yet, and whether a message is coming in."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pending = b""
        self.is_in_data = False
        self.message_count = 0

    def feed(self, data: bytes) -> bytes:
        """The replies to what has come in."""
        self.pending += data
        replies: list[bytes] = []
        while True:
            reply = self._take_data() if self.is_in_data else self._take_command()
            if reply is None:
                return b"".join(replies)
            replies.append(reply)

    def _take_data(self) -> bytes | None:
        end = self.pending.find(_END_OF_DATA)
        if end < 0:
            self.pending = self.pending[-len(_END_OF_DATA) :]
            return None
        self.pending = self.pending[end + len(_END_OF_DATA) :]
        self.is_in_data = False
        self.message_count += 1
        return _OK

    def _take_command(self) -> bytes | None:
        line, newline, rest = self.pending.partition(b"\r\n")
        if not newline:
            return None
        self.pending = rest
        verb = line[:4].upper()
        self.is_in_data = verb == b"DATA"
        return _REPLIES.get(verb, _OK)


class Sink:
    def __init__(self) -> None:
        self.is_running = True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.message_count = 0
        self.byte_count = 0

    def run(self) -> tuple[int, int]:
        """Serve until stopped. Returns how many messages were taken, and how many bytes in all."""
        while self.is_running:
            for key, _events in self.selector.select(timeout=0.2):
                if key.data is None:
                    self._accept()
                else:
                    self._serve(key.data)
        open_sessions = [key.data for key in self.selector.get_map().values() if key.data]
        return self.message_count + sum(int(session.message_count) for session in open_sessions), self.byte_count

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_running = False

    def _accept(self) -> None:
        connection, _address = self.listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(_GREETING)
        self.selector.register(connection, selectors.EVENT_READ, Session(connection))

    def _serve(self, session: Session) -> None:
        try:
            data = session.connection.recv(262_144)
            if data:
                self.byte_count += len(data)
                session.connection.sendall(session.feed(data))
                return
        except OSError:
            pass
        self.selector.unregister(session.connection)
        session.connection.close()
        self.message_count += session.message_count


def main() -> None:
    sink = Sink()
    signal.signal(signal.SIGTERM, sink.stop)
    sys.stdout.write(f"{sink.listener.getsockname()[1]}\n")
    sys.stdout.flush()
    message_count, byte_count = sink.run()
    sys.stdout.write(f"{message_count} {byte_count}\n")


if __name__ == "__main__":
    main()
