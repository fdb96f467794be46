"""Sites that are set up once in a run of the tests, and copied for whoever starts one.

To migrate an empty database, to compress the static files and to draw the demo's pictures takes twelve seconds of a
processor, and a run starts a site some twenty times. A first start as it is: tests/journeys/test_launcher.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests import workspace
from tests.architecture.sources import ROOT

# What the content of a new site depends on; a site is prepared for each set of values.
SHAPING = ("LANGUAGE_CODE", "SITE_NAME", "SITE_URL", "TIME_ZONE")
LOG = "up.log"
SET_UP = """
import django
django.setup()
from django.utils import timezone
from config import launching
launching.prepare(print, timezone.now())
"""
NO_PORT = "1"  # in the address of a site that never runs
# The demo's offer leads to a page of its own site.
MOVE_OFFER = "UPDATE digests_offer SET url = replace(url, {0}, {0})"


@contextmanager
def site(data_dir: Path, environment: Mapping[str, str], *, server: str = "") -> Iterator[dict[str, str]]:
    """Fill the data directory of a site that has this environment; gives what its environment needs besides.

    ``server`` is the address of a PostgreSQL: the site has a database of its own there, dropped at the end. Without it
    the data directory holds the database. ``up.log`` there says what a first start says.
    """
    shutil.copytree(_prepared(environment, server), data_dir, dirs_exist_ok=True)
    if not server:
        with closing(sqlite3.connect(data_dir / "db.sqlite3")) as file, file:
            file.execute(MOVE_OFFER.format("?"), _addresses(environment))
        yield {}
        return
    name = f"{workspace.root().name}-{data_dir.name}-{os.getpid()}"
    with psycopg.connect(server, dbname="postgres", autocommit=True) as admin:
        _create(admin, name, template=_database_name(environment))
        try:
            with psycopg.connect(server, dbname=name) as connection:
                connection.execute(MOVE_OFFER.format("%s"), _addresses(environment))
            yield {"DATABASE_URL": _database_url(server, name)}
        finally:
            _drop(admin, name)


def forget() -> None:
    """Drop the databases that were made to be copied; the files go with the workspace."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        return
    with psycopg.connect(server, dbname="postgres", autocommit=True) as admin:
        ours = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{workspace.root().name}%"])
        for (name,) in ours.fetchall():
            _drop(admin, name)


def _prepared(environment: Mapping[str, str], server: str) -> Path:
    """The directory to copy. Whoever comes first makes it, and the others wait."""
    folder = workspace.root() / f"prepared-{_key(environment)}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            _set_up(unfinished, environment, server)
            unfinished.rename(folder)
    return folder


def _set_up(folder: Path, environment: Mapping[str, str], server: str) -> None:
    its_own = {"DATA_DIR": str(folder), "PORT": NO_PORT}
    if server:
        name = _database_name(environment)
        with psycopg.connect(server, dbname="postgres", autocommit=True) as admin:
            _drop(admin, name)
            _create(admin, name)
        its_own["DATABASE_URL"] = _database_url(server, name)
    command = [sys.executable, "-c", SET_UP]
    with (folder / LOG).open("wb") as log:
        done = subprocess.run(command, cwd=ROOT, env={**environment, **its_own}, stdout=log, stderr=log, check=False)
    assert done.returncode == 0, f"the site could not be set up:\n{(folder / LOG).read_text()}"


def _key(environment: Mapping[str, str]) -> str:
    shaping = [environment.get(name, "") for name in SHAPING]
    return hashlib.sha256(repr(shaping).encode()).hexdigest()[:12]


def _database_name(environment: Mapping[str, str]) -> str:
    return f"{workspace.root().name}_{_key(environment)}"


def _database_url(url: str, name: str) -> str:
    before, mark, query = url.partition("?")
    server, _slash, _name = before.rpartition("/")
    return f"{server}/{name}{mark}{query}"


def _create(server: psycopg.Connection, name: str, *, template: str = "template1") -> None:
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _addresses(environment: Mapping[str, str]) -> tuple[str, str]:
    """Of the site that was prepared, and of the one that will run."""
    return f"http://localhost:{NO_PORT}/", f"http://localhost:{environment['PORT']}/"
