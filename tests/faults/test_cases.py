"""Every case of the table in docs/reliability.md, with few readers: ten minutes, so only with FAULT_CASES=1.

``make reliability`` runs the same cases with 20,000 readers on both databases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import workspace
from tests.faults.cases import CASES, Case
from tests.faults.machine import Unavailable
from tests.faults.running import Site, complaints, run, site

READERS = 400
DATABASE = "postgresql" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"
POSSIBLE = [case for case in CASES if case.needs != "database" or DATABASE == "postgresql"]

pytestmark = pytest.mark.skipif("FAULT_CASES" not in os.environ, reason="takes ten minutes: FAULT_CASES=1")


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site for all cases that break the same part of the machine."""
    try:
        with site(database=DATABASE, needs=request.param) as found:
            yield found
    except Unavailable as error:
        if workspace.IS_CI:
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("running", "case"), [pytest.param(each.needs, each, id=each.name) for each in POSSIBLE], indirect=["running"]
)
def test_everybody_once_whatever_breaks(running: Site, case: Case) -> None:
    result = run(case, running, readers=READERS)

    assert complaints(case, result) == []
    assert result.status == case.ends
