"""What the cases break does break."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from tests.faults.machine import machine
from tests.servers.smtp import SmtpServer, Stage


def test_tls_that_is_broken_fails_for_the_client_after_the_message_is_kept() -> None:
    with machine(tls=True) as its, SmtpServer(tls=its.tls) as server:
        server.break_tls(Stage.STORED, times=1)

        with smtplib.SMTP(server.host, server.port, timeout=5) as client:
            client.starttls()
            with pytest.raises((ssl.SSLError, smtplib.SMTPServerDisconnected), match=r"(?i)ssl"):
                client.sendmail("news@example.com", "ada@example.org", b"Subject: hello\r\n\r\nhello\r\n")

        assert server.recipients() == ["ada@example.org"]
