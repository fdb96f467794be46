"""The cases of the table in docs/reliability.md, with few readers: a few of them always, all with FAULT_CASES=1.

``make reliability`` runs the same cases with 20,000 readers on both databases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from _pytest.mark.structures import ParameterSet

from tests import workspace
from tests.faults.cases import CASES, Case
from tests.faults.machine import Unavailable
from tests.faults.running import Site, complaints, run, site

READERS = 400
DATABASE = "postgresql" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"
POSSIBLE = [case for case in CASES if case.needs != "database" or DATABASE == "postgresql"]

ALWAYS = {
    "kill -9 of all workers",
    "Redis restarted empty",
    "relay hangs up just after DATA",
    "an article is withdrawn on the way",
}
ONLY_IF_ASKED_FOR = pytest.mark.skipif("FAULT_CASES" not in os.environ, reason="all of them take long: FAULT_CASES=1")


class Sites:
    """One site at a time, for all cases in a row that break the same part of the machine."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._site: Site | None = None
        self._needs = ""

    def that_has(self, needs: str) -> Site:
        """Raises Unavailable."""
        if self._site is None or self._needs != needs or not self._site.is_sound:
            self.close()
            self._site = self._stack.enter_context(site(database=DATABASE, needs=needs))
            self._needs = needs
        return self._site

    def close(self) -> None:
        self._site = None
        self._stack.close()


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    found = Sites()
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def running(sites: Sites, case: Case) -> Site:
    try:
        found = sites.that_has(case.needs)
    except Unavailable as error:
        if workspace.IS_CI:
            pytest.fail(str(error))
        pytest.skip(str(error))
    return found


def parameter(case: Case) -> ParameterSet:
    return pytest.param(case, id=case.name, marks=() if case.name in ALWAYS else (ONLY_IF_ASKED_FOR,))


@pytest.mark.parametrize("case", [parameter(each) for each in POSSIBLE])
def test_everybody_once_whatever_breaks(running: Site, case: Case) -> None:
    running.is_sound = False
    result = run(case, running, readers=READERS)
    running.is_sound = True  # it came to an end

    assert complaints(case, result) == []
    assert result.status == case.ends


def test_what_is_always_tried_is_among_the_cases() -> None:
    assert {each.name for each in CASES} >= ALWAYS
