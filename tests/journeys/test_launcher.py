"""`make run`, as an operator meets it: it starts, it stays up, it ends without a trace."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import prepared
from tests.journeys.launched import LaunchedSite, eventually

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc")

PUBLIC = "https://news.example.org"  # a public site is not filled with the demo, which takes a while
PROCESS_COUNT = 14  # launcher, broker, web server and its worker, three Celery workers with 2, 3 and 1 processes, beat


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def site(data_dir: Path) -> Iterator[LaunchedSite]:
    """A running, public, empty site."""
    with set_up(data_dir) as site:
        eventually(lambda: len(site.processes()) == PROCESS_COUNT)
        assert site.is_well(), site.output
        yield site


def test_first_start_shows_where_to_look_and_the_second_keeps_everything(data_dir: Path) -> None:
    with LaunchedSite(data_dir) as first:
        assert first.is_well(), first.output
        eventually(lambda: "Ctrl-C stops it" in first.output)
        first_front_page = first.get("/")[1]
        first.press_ctrl_c()
        first.process.wait(60)
    with LaunchedSite(data_dir, port=first.port) as second:
        assert second.is_well(), second.output
        second_front_page = second.get("/")[1]

    for page in ("/", "/admin/", "/mailbox/"):
        assert f"http://localhost:{first.port}{page}" in first.output
    assert re.search(r"name editor, password \S+", first.output)
    assert headlines(first_front_page) == headlines(second_front_page) != []
    assert "password" not in second.output


def headlines(page: str) -> list[str]:
    return re.findall(r'href="(/articles/[^"]+)"', page)


def test_ctrl_c_ends_every_process_without_a_traceback(site: LaunchedSite) -> None:
    site.press_ctrl_c()

    assert site.process.wait(60) == 0
    assert site.processes() == []
    assert "Traceback" not in site.output
    assert site.output.rstrip().endswith("Stopped.")


def test_ctrl_c_while_setting_up_ends_it_just_as_well(data_dir: Path) -> None:
    with LaunchedSite(data_dir, SITE_URL=PUBLIC) as site:
        eventually(lambda: "Bringing the database up to date" in site.output)

        site.press_ctrl_c()

        assert site.process.wait(60) == 0
        assert site.processes() == []
        assert "Traceback" not in site.output


def test_killed_parts_are_started_again(site: LaunchedSite) -> None:
    killed = {
        part: site.main_process(part) for part in ("celery\0--quiet\0-A\0config\0worker", "granian", "valkey.sock")
    }
    assert all(killed.values())

    for pid in killed.values():
        os.kill(pid or 0, signal.SIGKILL)

    for part, pid in killed.items():
        eventually(lambda part=part, pid=pid: site.main_process(part) not in {None, pid})  # type: ignore[misc]
    eventually(lambda: site.get("/healthz/web")[0] == 200)
    assert "worker ended (killed by SIGKILL); starting it again" in site.output


def test_nothing_outlives_a_killed_launcher(site: LaunchedSite) -> None:
    site.process.kill()
    site.process.wait()

    eventually(lambda: site.processes() == [])


def test_a_second_launcher_on_the_same_data_is_refused_with_the_reason(data_dir: Path) -> None:
    data_dir.mkdir()
    with (data_dir / "up.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        first.write("4711")
        first.flush()

        with LaunchedSite(data_dir) as second:
            assert second.process.wait(60) == 1

    assert f"Broadsheet runs already on {data_dir} (process 4711)" in second.output
    assert "Traceback" not in second.output


def test_a_port_in_use_is_said_before_anything_starts(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with LaunchedSite(data_dir, port=port) as site:
            assert site.process.wait(60) == 1

    assert f"Port {port} is in use" in site.output
    assert not (data_dir / "valkey").exists()


def test_a_broker_that_cannot_read_what_another_left_starts_anew(data_dir: Path) -> None:
    left = data_dir / "valkey" / "appendonlydir"
    left.mkdir(parents=True)
    (left / "appendonly.aof.manifest").write_text("this is no manifest\n")

    with set_up(data_dir) as site:
        assert site.is_well(), site.output

    assert (data_dir / "valkey.unreadable-1" / "appendonlydir").exists()


@contextmanager
def set_up(data_dir: Path) -> Iterator[LaunchedSite]:
    """A public, empty site at its second start."""
    site = LaunchedSite(data_dir, SITE_URL=PUBLIC)
    with prepared.site(data_dir, site.environment), site:
        yield site
