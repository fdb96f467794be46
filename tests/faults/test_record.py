"""The tables of docs/reliability.md keep what other runs found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import record
from tests.faults.cases import CASES
from tests.faults.record import Line

MARKS = "<!-- {0} -->\n\n<!-- end of {0} -->\n"
EMPTY = "# Tried\n" + MARKS.format("sqlite") + "between\n" + MARKS.format("postgresql") + "end\n"
FIRST, SECOND = CASES[0].name, CASES[1].name


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "reliability.md"
    path.write_text(EMPTY)
    return path


def test_lines_stand_in_the_order_of_the_cases_and_replace_their_last_ones(document: Path) -> None:
    record.write("sqlite", Line(SECOND, "400", "400", "0", "3"), document=document)
    record.write("sqlite", Line(FIRST, "400", remark="**lost**"), document=document)

    record.write("sqlite", Line(FIRST, "1,000", "1,000", "0", "0"), document=document)

    found = record.lines("sqlite", document=document)
    assert list(found.values()) == [
        Line(FIRST, "1,000", "1,000", "0", "0"),
        Line(SECOND, "400", "400", "0", "3"),
    ]


def test_other_database_and_the_text_around_stay_as_they_are(document: Path) -> None:
    record.write("sqlite", Line(FIRST, "400", "400", "0", "0"), document=document)

    record.write("postgresql", Line(SECOND, "400", "400", "0", "0"), document=document)

    text = document.read_text()
    assert list(record.lines("sqlite", document=document)) == [FIRST]
    assert text.startswith("# Tried\n<!-- sqlite -->\n")
    assert "<!-- end of sqlite -->\nbetween\n<!-- postgresql -->\n" in text
    assert text.endswith("<!-- end of postgresql -->\nend\n")
