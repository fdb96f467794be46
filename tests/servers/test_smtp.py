"""The tests' own SMTP server does what the tests ask of it."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import threading

import pytest

from tests.servers.smtp import SmtpServer, Stage

ADA, BOB = "ada@example.org", "bob@example.org"


def deliver(server: SmtpServer, *recipients: str, content: bytes = b"Subject: hello\r\n\r\nhello\r\n") -> None:
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.sendmail("news@example.com", recipients, content)


def test_message_is_kept_as_it_was_sent(smtp_server: SmtpServer) -> None:
    content = b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\r\nthree\r\n"

    deliver(smtp_server, ADA, BOB, content=content)

    (message,) = smtp_server.messages
    assert (message.sender, message.recipients) == ("news@example.com", (ADA, BOB))
    assert message.content == content
    assert message.parsed["Subject"] == "dots"


def test_many_clients_at_once_lose_nothing(smtp_server: SmtpServer) -> None:
    readers = [f"reader{number}@example.org" for number in range(20)]
    threads = [threading.Thread(target=deliver, args=(smtp_server, reader)) for reader in readers]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(smtp_server.recipients()) == sorted(readers)


def test_one_recipient_is_refused_the_other_is_served(smtp_server: SmtpServer) -> None:
    smtp_server.refuse(Stage.RCPT, "550 5.1.1 no such user", recipient=BOB)

    with smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client:
        refused = client.sendmail("news@example.com", [ADA, BOB], b"Subject: x\r\n\r\nx\r\n")

    assert refused == {BOB: (550, b"5.1.1 no such user")}
    assert smtp_server.recipients() == [ADA]


def test_rule_holds_for_the_given_count_only(smtp_server: SmtpServer) -> None:
    smtp_server.refuse(Stage.RCPT, "450 4.2.1 busy", after=1, times=1)

    deliver(smtp_server, ADA)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        deliver(smtp_server, ADA)
    deliver(smtp_server, ADA)

    assert smtp_server.recipients() == [ADA, ADA]


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.MAIL, Stage.DATA, Stage.BODY, Stage.MESSAGE])
def test_hanging_up_before_the_message_is_kept(smtp_server: SmtpServer, stage: Stage) -> None:
    smtp_server.hang_up(stage, times=1)

    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        deliver(smtp_server, ADA)

    assert smtp_server.messages == []


def test_hanging_up_after_the_message_is_kept(smtp_server: SmtpServer) -> None:
    smtp_server.hang_up(Stage.STORED)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        deliver(smtp_server, ADA)

    assert smtp_server.recipients() == [ADA]


def test_refusal_after_the_content_keeps_nothing(smtp_server: SmtpServer) -> None:
    smtp_server.refuse(Stage.MESSAGE, "554 5.7.1 looks like spam")

    with pytest.raises(smtplib.SMTPDataError, match="looks like spam"):
        deliver(smtp_server, ADA)

    assert smtp_server.messages == []


def test_421_closes_the_connection(smtp_server: SmtpServer) -> None:
    smtp_server.refuse(Stage.MAIL, "421 4.7.0 too fast")

    with smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client:
        assert client.mail("news@example.com")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_malformed_reply_is_sent_as_it_is(smtp_server: SmtpServer) -> None:
    smtp_server.refuse(Stage.MAIL, "banana")

    with smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client:
        code, _words = client.mail("news@example.com")

    assert code == -1


def test_held_session_goes_on_when_released(smtp_server: SmtpServer) -> None:
    hold = smtp_server.hold(Stage.STORED)
    thread = threading.Thread(target=deliver, args=(smtp_server, ADA))
    thread.start()
    hold.wait()

    assert thread.is_alive()

    hold.release()
    thread.join(5)
    assert not thread.is_alive()


def test_stopped_server_refuses_connections_and_returns_on_its_port() -> None:
    with SmtpServer() as server:
        port = server.port
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, port), timeout=5)

        server.start()
        deliver(server, ADA)

        assert server.port == port
        assert server.recipients() == [ADA]


def test_wrong_password_is_refused() -> None:
    with (
        SmtpServer(credentials=("ada", "secret")) as server,
        smtplib.SMTP(server.host, server.port, timeout=5) as client,
    ):
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("ada", "wrong")

        assert client.login("ada", "secret")[0] == 235


def test_pipelined_commands_are_answered_in_order(smtp_server: SmtpServer) -> None:
    with socket.create_connection((smtp_server.host, smtp_server.port), timeout=5) as client:
        client.sendall(b"EHLO me\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n.\r\nQUIT\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))

    codes = [line[:3] for line in answer.decode().splitlines() if line[3] == " "]
    assert codes == ["220", "250", "250", "250", "354", "250", "221"]


def test_runs_as_a_process() -> None:
    command = [sys.executable, "-m", "tests.servers.smtp", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(":")[2])
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.sendmail("news@example.com", [ADA], b"Subject: x\r\n\r\nx\r\n")
        line = process.stdout.readline()
        process.kill()

    assert ADA in line
