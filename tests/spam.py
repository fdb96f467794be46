"""What spam filters say to a digest of every layout: ``make check-spam``. Nothing is asked over the network.

Fails if SpamAssassin or rspamd finds anything worth half a point or more. A filter that is not installed is skipped,
with a sentence that says so. rspamd compiles its patterns first, which takes a minute or two.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

NOTEWORTHY = 0.5  # points; what is below tells filters apart, not mails
# What they say of the session, which there is none of here, and of what only a network can tell.
OF_THE_SESSION = re.compile(r"NO_RECEIVED|NO_RELAYS|HFILTER_.*|R_DKIM_NA|R_SPF_NA|DMARC_NA|AUTH_NA|ARC_NA|RCVD_.*")
LINE = re.compile(r"^\s*(?:\*\s+)?(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)", re.MULTILINE)
OFFLINE = (
    "rbl", "surbl", "spf", "dkim", "dkim_signing", "dmarc", "arc", "fuzzy_check", "asn", "mx_check", "neural",
    "greylist", "ratelimit", "replies", "history_redis", "url_redirector", "dcc", "antivirus", "reputation",
    "bayes_expiry", "classifier-bayes",
)  # fmt: skip


def messages(folder: Path) -> list[tuple[str, bytes]]:
    """A digest of every layout, as it goes over the wire, with the layout's name."""
    environment = {**os.environ, "DATABASE_URL": "sqlite:///:memory:", "SITE_URL": "https://gazette.example"}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    subprocess.run([sys.executable, "-m", "tests.spam_messages", str(folder)], env=environment, check=True)
    return [(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.eml"))]


def spamassassin(message: bytes) -> Mapping[str, float]:
    """Its rules that met, with their points."""
    done = subprocess.run(["spamassassin", "-L", "-t"], input=message, capture_output=True, check=True)
    report = done.stdout.decode(errors="replace").partition("Content analysis details")[2]
    return {name: float(points) for points, name in LINE.findall(report)}


class Rspamd:
    """A daemon of its own, without network, for as long as the block runs."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="rspamd-")
        folder = Path(self._folder.name)
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._port = port = found.getsockname()[1]
        local = folder / "local.d"
        local.mkdir()
        (local / "worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{port}";\ncount = 1;\n')
        (local / "options.inc").write_text('dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }\n')
        (local / "logging.inc").write_text('type = "console";\nlevel = "error";\n')
        for name in ("worker-controller", "worker-proxy", "worker-fuzzy"):
            (local / f"{name}.inc").write_text("enabled = false;\n")
        for name in OFFLINE:
            (local / f"{name}.conf").write_text("enabled = false;\n")
        places = [f"--var={name}={folder}" for name in ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR")]
        command = ["rspamd", "-f", "-i", *places]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        self._folder.cleanup()

    def ask(self, message: bytes) -> Mapping[str, float]:
        deadline = time.monotonic() + 300
        while True:
            try:
                connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
                connection.request("POST", "/checkv2", body=message)
                symbols = json.load(connection.getresponse())["symbols"]
                return {name: float(symbol["score"]) for name, symbol in symbols.items()}
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(1)


def noteworthy(found: Mapping[str, float]) -> dict[str, float]:
    return {
        name: points for name, points in found.items() if points >= NOTEWORTHY and not OF_THE_SESSION.fullmatch(name)
    }


def report(filter_name: str, layout: str, found: Mapping[str, float]) -> bool:
    """Print what a filter said. False if it is worth mending."""
    bad = noteworthy(found)
    said = ", ".join(f"{name} {points:+.2f}" for name, points in sorted(found.items()) if points) or "nothing"
    say(f"{filter_name:12} {layout:10} {'MEND ' + ', '.join(bad) if bad else 'well'}   ({said})")
    return not bad


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        letters = messages(Path(folder))
    is_well = bool(letters)
    if shutil.which("spamassassin"):
        is_well &= not [x for x, data in letters if not report("SpamAssassin", x, spamassassin(data))]
    else:
        say("SpamAssassin is not installed (on Debian: apt install spamassassin): skipped.")
    if shutil.which("rspamd"):
        with Rspamd() as rspamd:
            is_well &= not [x for x, data in letters if not report("rspamd", x, rspamd.ask(data))]
    else:
        say("rspamd is not installed (on Debian: apt install rspamd): skipped.")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
