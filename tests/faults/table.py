"""Every fault in the middle of a campaign, and what it cost: prints the tables of docs/reliability.md and keeps them.

python -m tests.faults.table                              all cases, 20,000 readers, on SQLite and on PostgreSQL
python -m tests.faults.table --readers 2000 --cases kill,TLS  fewer readers, and the cases of such names
python -m tests.faults.table --resume                     what the document does not have yet with so many readers
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Sequence
from functools import partial

from tests.faults import record
from tests.faults.cases import CASES, Case
from tests.faults.machine import Unavailable
from tests.faults.record import Line
from tests.faults.running import Site, complaints, run, site

ROW = "| {:<56} | {:<10} | {:>7} | {:>8} | {:>5} | {:>8} | {:>7} | {}\n"
HEADINGS = ("case", "database", "readers", "received", "lost", "repeated", "seconds", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--cases", default="", help="parts of the names of the cases to run, with commas")
    parser.add_argument("--resume", action="store_true", help="only what the document lacks with so many readers")
    options = parser.parse_args()
    say(*HEADINGS)
    say(*("-" * 3 for _heading in HEADINGS))
    bad = 0
    for database in options.database:
        cases = [each for each in CASES if is_named(each, options.cases) and possible(each, database)]
        if options.resume:
            cases = [each for each in cases if not is_known(each, database, readers=options.readers)]
        bad += run_on(database, cases, readers=options.readers)
    sys.exit(1 if bad else 0)


def is_named(case: Case, parts: str) -> bool:
    return any(part.strip().lower() in case.name.lower() for part in parts.split(","))


def possible(case: Case, database: str) -> bool:
    return case.needs != "database" or database == "postgresql"


def is_known(case: Case, database: str, *, readers: int) -> bool:
    line = record.lines(database).get(case.name)
    return line is not None and line.is_well and int(line.readers.replace(",", "")) >= readers


def run_on(database: str, cases: Sequence[Case], *, readers: int) -> int:
    """One site for all cases that need the same of the machine, until one goes wrong. Returns how many did."""
    waiting = deque(sorted(cases, key=lambda each: each.needs))
    bad = 0
    while waiting:
        needs, left = waiting[0].needs, len(waiting)
        try:
            with site(database=database, needs=needs) as running:
                while waiting and waiting[0].needs == needs and running.is_sound:
                    bad += not settle(waiting.popleft(), running, database=database, readers=readers)
        except Unavailable as error:
            say(waiting.popleft().name, database, "", "", "", "", "", f"not run: {error}")
        except AssertionError as error:  # it did not start or end as it should
            say("", database, "", "", "", "", "", f"**{str(error)[:5000]}**")
            bad += 1
            if len(waiting) == left:
                waiting.popleft()
    return bad


def settle(case: Case, running: Site, *, database: str, readers: int) -> bool:
    """Run a case, print its line and keep it; whether all is well."""
    started = time.monotonic()
    line = line_of(case, running, readers=readers)
    seconds = f"{time.monotonic() - started:.0f}"
    say(line.case, database, line.readers, line.received, line.lost, line.repeated, seconds, line.remark)
    record.write(database, line)
    return line.is_well


def line_of(case: Case, running: Site, *, readers: int) -> Line:
    told = partial(Line, case.name)
    try:
        result = run(case, running, readers=readers)
    except (TimeoutError, AssertionError) as error:
        running.is_sound = False
        words = " ".join(str(error).split())[-300:].replace("|", "/")
        return told(f"{readers:,}", remark=f"**{type(error).__name__}: {words}**")
    wrong = "; ".join(complaints(case, result))
    figures = (f"{result.readers:,}", f"{result.received:,}", str(result.lost), str(result.repeated))
    return told(*figures, f"**{wrong}**" if wrong else "")


def say(*columns: object) -> None:
    sys.stdout.write(ROW.format(*map(str, columns)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
