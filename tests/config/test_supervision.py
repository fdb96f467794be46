from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import supervision
from config.supervision import Part, Supervisor
from tests.product import eventually


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(supervision, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(supervision, "TICK_SECONDS", 0.02)
    supervisor = Supervisor(say=said.append, environment=dict(os.environ))
    yield supervisor
    supervisor.kill()


def script(text: str) -> list[str]:
    return [sys.executable, "-u", "-c", text]


def run_until(supervisor: Supervisor, condition: Callable[[], object]) -> int:
    """Run it until the condition holds, then press Ctrl-C once, as it were."""
    deadline = time.monotonic() + 20
    asked = False

    def look() -> None:
        nonlocal asked
        if not asked and (condition() or time.monotonic() > deadline):
            asked = True
            os.kill(os.getpid(), signal.SIGINT)

    assert threading.current_thread() is threading.main_thread()
    with supervisor.signals():
        return supervisor.run(each_tick=look)


def test_lines_carry_the_name_of_their_part(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Part("web", script("import time; print('one\\n\\ntwo'); time.sleep(60)")))

    status = run_until(supervisor, lambda: "   web | two" in said)

    assert said[:2] == ["   web | one", "   web | two"]
    assert status == 0


def test_log_that_nobody_takes_any_more_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(supervision, "TICK_SECONDS", 0.02)
    mark = tmp_path / "still there"

    def say(line: str) -> None:
        with Path("/dev/full").open("w") as full:  # every write to it fails: no space left
            full.write(line)

    supervisor = Supervisor(say=say, environment=dict(os.environ))
    talking = f"import pathlib, time\nprint('one')\ntime.sleep(0.2)\nprint('two')\npathlib.Path({str(mark)!r}).touch()"
    supervisor.start(Part("web", script(f"{talking}\ntime.sleep(60)")))

    status = run_until(supervisor, mark.exists)

    assert mark.exists()
    assert status == 0


def test_a_part_that_ends_is_started_again(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    mark = tmp_path / "seen"
    supervisor.start(
        Part("beat", script(f"import pathlib, time; p = pathlib.Path({str(mark)!r})\n"
                            "if p.exists(): print('again'); time.sleep(60)\np.touch(); raise SystemExit(3)"))
    )  # fmt: skip

    run_until(supervisor, lambda: "  beat | again" in said)

    assert said[:2] == ["beat ended (exit status 3); starting it again", "  beat | again"]


def test_a_part_that_is_killed_again_and_again_is_started_again(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    """As the kernel does when memory runs out: that is no sign of a site that cannot run."""
    deaths = tmp_path / "deaths"
    supervisor.start(
        Part("worker", script(f"import os, pathlib, time; p = pathlib.Path({str(deaths)!r})\n"
                              "n = len(p.read_text()) if p.exists() else 0\np.write_text('x' * (n + 1))\n"
                              "if n < 7: os.kill(os.getpid(), 9)\nprint('here still'); time.sleep(60)"))
    )  # fmt: skip

    status = run_until(supervisor, lambda: "worker | here still" in said)

    assert status == 0
    assert "worker | here still" in said


def test_a_part_that_keeps_ending_stops_everything_with_its_last_words(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Part("worker", script("print('no broker here'); raise SystemExit(1)")))
    supervisor.start(Part("web", script("import time; time.sleep(60)")))

    status = run_until(supervisor, lambda: supervisor.gave_up)

    assert status == 1
    assert said[-2:] == ["worker keeps ending. Its last lines:", "worker | no broker here"]
    assert not supervisor.is_up("web")


def test_a_quiet_part_is_heard_only_when_it_fails(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Part("broker", script("print('disk is full'); raise SystemExit(1)"), is_quiet=True))

    run_until(supervisor, lambda: len(said) >= 2)

    assert said[:2] == ["broker ended (exit status 1); starting it again", "broker | disk is full"]


def test_the_last_part_is_asked_when_the_others_are_gone(supervisor: Supervisor, said: list[str]) -> None:
    slow = (
        "import signal, sys, time\n"
        "def end(*_): time.sleep({}); print('ends'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('ready'); time.sleep(60)"
    )
    supervisor.start(Part("broker", script(slow.format(0)), stops_last=True))
    supervisor.start(Part("worker", script(slow.format(0.3))))

    run_until(supervisor, lambda: len(said) == 2)

    assert said[-2:] == ["worker | ends", "broker | ends"]


def test_who_does_not_listen_is_killed_with_all_that_it_started(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "PATIENCE_SECONDS", (0.1, 0.1))
    deaf = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    child = "child = subprocess.Popen(['sleep', '60']); print(child.pid); time.sleep(60)"
    supervisor.start(Part("worker", script(deaf + child)))

    status = run_until(supervisor, lambda: said)

    assert status == 0
    child_pid = int(said[0].removeprefix("worker | "))
    eventually(lambda: not is_running(child_pid))


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_the_second_request_insists(supervisor: Supervisor, said: list[str]) -> None:
    stubborn = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('finishing'))\n"
        "signal.signal(signal.SIGQUIT, lambda *_: sys.exit())\n"
        "print('ready')\nwhile True: time.sleep(1)"
    )
    supervisor.start(Part("worker", script(stubborn), insisting=signal.SIGQUIT))

    def press() -> None:
        if ("worker | ready" in said and "Stopping." not in said) or (
            "worker | finishing" in said and "Stopping at once." not in said
        ):
            os.kill(os.getpid(), signal.SIGINT)

    with supervisor.signals():
        status = supervisor.run(each_tick=press)

    assert status == 0
    assert "Stopping at once." in said


def test_a_line_without_end_does_not_fill_the_memory(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Part("web", script("import time; print('x' * 100_000, end='', flush=True); time.sleep(60)")))

    run_until(supervisor, lambda: sum(map(len, said)) > 90_000)

    assert max(map(len, said)) < 100_000
