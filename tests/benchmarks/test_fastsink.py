"""The sink of the benchmarks counts what came in, and holds its clients to SMTP."""

from __future__ import annotations

import shutil
import smtplib
import socket
from pathlib import Path

import pytest

from tests.benchmarks.sinks import FastSink

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


def talk(port: int, *lines: bytes) -> bytes:
    """All that the sink says to these lines and QUIT, written one byte short of a whole at first."""
    everything = b"".join(lines) + b"QUIT\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for at in range(0, len(everything), 7):
            connection.sendall(everything[at : at + 7])
        answer = b""
        while data := connection.recv(65536):
            answer += data
    return answer


def test_sink_counts_messages_bytes_and_recipients() -> None:
    with FastSink() as sink:
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            for recipient in ("ada@example.org", "bob@example.org", "ada@example.org"):
                client.sendmail("news@example.com", [recipient], b"Subject: hello\r\n\r\n.dot\r\n")

        figures = sink.figures()

    assert (figures["messages"], figures["distinct"], figures["connections"]) == (3, 2, 1)


def test_pipelined_transactions_with_data_and_chunks_are_told_apart(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    envelope = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<%s@example.org>\r\n"
    with FastSink(journal=journal) as sink:
        answer = talk(
            sink.port,
            b"EHLO x.example\r\n",
            envelope % b"ada",
            b"DATA\r\nSubject: x\r\n\r\n..\r\n.x\r\n\r\n.\r\n",
            envelope % b"bob",
            b"BDAT 5\r\nab\r\n.BDAT 4 LAST\r\n\r\n.\n",
            envelope % b"eve",
            b"DATA\r\n.\r\n",
        )
        figures = sink.figures()

    codes = b" ".join(line[:3] for line in answer.splitlines() if line[3:4] == b" ")
    greeting, one, chunked = b"220 250", b"250 250 354 250", b"250 250 250 250"
    assert codes == b" ".join([greeting, one, chunked, one, b"221"])
    assert figures["messages"] == 3
    assert journal.read_text().split() == ["ada@example.org", "bob@example.org", "eve@example.org"]


def test_message_without_recipient_is_refused() -> None:
    with FastSink() as sink:
        answer = talk(sink.port, b"EHLO x.example\r\nMAIL FROM:<a@example.com>\r\nDATA\r\nBDAT 2 LAST\r\nab")
        figures = sink.figures()

    assert answer.count(b"503 ") == 2
    assert figures["messages"] == 0


def test_what_is_not_offered_is_not_understood() -> None:
    with FastSink(chunking=False, pipelining=False) as sink:
        answer = talk(sink.port, b"EHLO x.example\r\nBDAT 2 LAST\r\n")

    assert b"CHUNKING" not in answer
    assert b"PIPELINING" not in answer
    assert b"500 " in answer
