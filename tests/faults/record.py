"""The tables of docs/reliability.md: a line a case, written when the case is over, the others untouched."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path

from tests.architecture.sources import ROOT
from tests.faults.cases import CASES

DOCUMENT = ROOT / "docs" / "reliability.md"
HEADING = ("case", "readers", "received", "lost", "repeated", "")


@dataclass(frozen=True)
class Line:
    """What a case came to. ``remark`` says what went wrong, and is empty if all is well."""

    case: str
    readers: str
    received: str = ""
    lost: str = ""
    repeated: str = ""
    remark: str = ""

    @property
    def is_well(self) -> bool:
        return not self.remark


def lines(database: str, *, document: Path = DOCUMENT) -> dict[str, Line]:
    """What stands there, by case."""
    _before, table, _after = _parts(document, database)
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if row.startswith("| ")]
    return {row[0]: Line(*row) for row in cells[1:] if len(row) == len(HEADING)}


def write(database: str, line: Line, *, document: Path = DOCUMENT) -> None:
    """Put the line in the place of the case's last one, in the order of the cases."""
    before, _table, after = _parts(document, database)
    found = lines(database, document=document) | {line.case: line}
    known = [found[each.name] for each in CASES if each.name in found]
    rows = [_row(HEADING), "|---|--:|--:|--:|--:|---|", *(_row(astuple(each)) for each in known)]
    document.write_text(before + "\n".join(["", *rows, ""]) + after)


def _parts(document: Path, database: str) -> tuple[str, str, str]:
    """The text up to the table's mark, the table, and the text from the mark of its end."""
    begin, end = f"<!-- {database} -->\n", f"\n<!-- end of {database} -->"
    before, mark, rest = document.read_text().partition(begin)
    table, other_mark, after = rest.partition(end)
    assert mark, f"{document} has no place for the table of {database}"
    assert other_mark, f"the table of {database} in {document} has no end"
    return before + begin, table, end + after


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
