"""A mailer of `smtps:` gives its password only to a server that can prove who it is."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from newsletter.delivery.outcomes import TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.smtp import SmtpOptions, SmtpTransport

OPENSSL = shutil.which("openssl")


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """The port of a TLS server with a certificate that nobody vouches for, and what it was told."""
    if OPENSSL is None:
        pytest.skip("needs openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=_greet, args=(listener, context, told))
        thread.start()
        yield listener.getsockname()[1], told
        thread.join(10)


def _greet(listener: socket.socket, context: ssl.SSLContext, told: list[bytes]) -> None:
    with suppress(OSError):
        connection, _address = listener.accept()
        with connection, context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(b"220 impostor\r\n")
            told.append(secure.recv(1000))


def test_smtps_server_with_a_forged_certificate_is_told_nothing(impostor: tuple[int, list[bytes]]) -> None:
    port, told = impostor
    options = SmtpOptions("127.0.0.1", port, timeout=5, username="news", password="secret", use_ssl=True)

    with SmtpTransport(options, local_hostname="x.example") as transport:
        message = Outgoing(1, "news@example.com", "ada@example.org", b"")
        with pytest.raises(TransportDownError, match="certificate"):
            list(transport.deliver([message]))

    assert told == []
