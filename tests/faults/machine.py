"""The machine under the product, so far as a test may break it: a database server, a disk and a clock of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.product import free_port

CLOCK_SOURCE = Path(__file__).with_name("shifted_clock.c")
DISK_MEGABYTES = 400


class Unavailable(Exception):
    """This machine cannot do that; the message says what is missing."""


@dataclass
class Machine:
    """What a case may break. ``environment`` makes the product live on it."""

    environment: dict[str, str] = field(default_factory=dict)
    cluster: Path | None = None
    disk: Path | None = None
    clock: Path | None = None
    tls: ssl.SSLContext | None = None  # for a relay

    def restart_database(self) -> None:
        """As a crash of the server: open transactions are gone, connections are cut."""
        assert self.cluster
        _postgres("pg_ctl", "-D", str(self.cluster), "-m", "immediate", "-w", "restart", "-l", f"{self.cluster}.log")

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Not a byte is left on the disk that the product writes to."""
        assert self.disk
        ballast = self.disk / "ballast"
        with ballast.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
                file.flush()
        try:
            yield
        finally:
            ballast.unlink()

    def shift_clock(self, seconds: int) -> None:
        assert self.clock
        self.clock.write_text(str(seconds))


@contextmanager
def machine(*, database: bool = False, disk: bool = False, clock: bool = False, tls: bool = False) -> Iterator[Machine]:
    """A machine with these parts of its own. Raises Unavailable."""
    made = Machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        if disk:
            made.disk = stack.enter_context(_small_disk(folder / "disk"))
            made.environment["DATA_DIR"] = str(made.disk / "data")
        if database:
            made.cluster = (made.disk or folder) / "cluster"
            made.environment["DATABASE_URL"] = stack.enter_context(_cluster(made.cluster))
        if clock:
            made.clock = folder / "clock"
            made.environment |= _shifted_clock(folder, made.clock)
        if tls:
            made.tls = _tls(folder / "certificate.pem")
        yield made


def _tls(certificate: Path) -> ssl.SSLContext:
    """With a certificate that nobody vouches for, as many a relay has."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Unavailable("needs openssl to make a certificate")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    key = certificate.with_suffix(".key")
    subprocess.run([openssl, *made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def _shifted_clock(folder: Path, file: Path) -> dict[str, str]:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable("needs a C compiler (cc)")
    library = folder / "shifted_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(CLOCK_SOURCE), "-ldl"], check=True)
    file.write_text("0")
    return {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(file)}


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        raise Unavailable("needs the right to mount a small disk (root)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def _cluster(place: Path) -> Iterator[str]:
    """A PostgreSQL server of its own, and the address of an empty database on it."""
    place.mkdir()
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(place, owner.pw_uid, owner.pw_gid)
        Path(f"{place}.log").touch()
        os.chown(f"{place}.log", owner.pw_uid, owner.pw_gid)
    port = free_port()
    _postgres("initdb", "-D", str(place), "-U", "broadsheet", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_wal_size=64MB"
    _postgres("pg_ctl", "-D", str(place), "-w", "-o", options, "-l", f"{place}.log", "start")
    try:
        yield f"postgres://broadsheet@127.0.0.1:{port}/postgres"
    finally:
        _postgres("pg_ctl", "-D", str(place), "-m", "immediate", "-w", "stop")


def _postgres(program: str, *arguments: str) -> None:
    """Run a program of the server as whoever may run it. Raises Unavailable."""
    found = shutil.which(program) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)), None
    )
    if found is None:
        raise Unavailable(f"needs PostgreSQL's {program}")
    prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    run = subprocess.run(  # its output goes to a file: the server would keep a pipe open
        [*prefix, found, *arguments], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if run.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)} failed with status {run.returncode}")
