"""Every fault in the middle of a campaign, and what it cost: the table of docs/reliability.md.

python -m tests.faults.table                            all cases, 20,000 readers, on SQLite and on PostgreSQL
python -m tests.faults.table --readers 2000 --only kill  fewer readers, the cases with "kill" in their name
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Sequence

from tests.faults.cases import CASES, Case
from tests.faults.machine import Unavailable
from tests.faults.running import Site, complaints, run, site

ROW = "| {:<44} | {:<10} | {:>7} | {:>8} | {:>5} | {:>8} | {:>7} | {}\n"
HEADINGS = ("case", "database", "readers", "received", "lost", "repeated", "seconds", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--only", default="", help="a part of the names of the cases to run")
    parser.add_argument("--from", dest="first", default="", help="leave out the cases before the one named so")
    options = parser.parse_args()
    names = [each.name for each in CASES]
    first = names.index(options.first) if options.first else 0
    wanted = [each for each in CASES[first:] if options.only.lower() in each.name.lower()]
    say(*HEADINGS)
    say(*("-" * 3 for _heading in HEADINGS))
    bad = 0
    for database in options.database:
        cases = [each for each in wanted if each.needs != "database" or database == "postgresql"]
        bad += run_on(database, cases, readers=options.readers)
    sys.exit(1 if bad else 0)


def run_on(database: str, cases: Sequence[Case], *, readers: int) -> int:
    """One site for all cases that need the same of the machine, until one goes wrong. Returns how many did."""
    waiting = deque(sorted(cases, key=lambda each: each.needs))
    bad = 0
    while waiting:
        needs = waiting[0].needs
        try:
            with site(database=database, needs=needs) as running:
                while waiting and waiting[0].needs == needs and running.is_sound:
                    bad += not line(waiting.popleft(), running, database=database, readers=readers)
        except Unavailable as error:
            say(waiting.popleft().name, database, "", "", "", "", "", f"not run: {error}")
        except AssertionError as error:  # it did not end as it should
            say("", database, "", "", "", "", "", f"**{str(error)[-500:]}**")
            bad += 1
    return bad


def line(case: Case, running: Site, *, database: str, readers: int) -> bool:
    """Run a case and print its line; whether all is well."""
    started = time.monotonic()
    try:
        result = run(case, running, readers=readers)
    except (TimeoutError, AssertionError) as error:
        running.is_sound = False
        words = " ".join(str(error).split())[-300:]
        say(case.name, database, f"{readers:,}", "", "", "", "", f"**{type(error).__name__}: {words}**")
        return False
    wrong = complaints(case, result)
    figures = (f"{result.readers:,}", f"{result.received:,}", result.lost, result.repeated)
    seconds = f"{time.monotonic() - started:.0f}"
    say(case.name, database, *figures, seconds, "; ".join(wrong))
    return not wrong


def say(*columns: object) -> None:
    sys.stdout.write(ROW.format(*map(str, columns)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
