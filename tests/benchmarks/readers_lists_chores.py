"""What the worker does by itself at a million readers: each turn's time, rows and plans, with work and without."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter.delivery import retention as deliveries
from newsletter.engagement import retention as events
from newsletter.insights import refreshing
from newsletter.subscribers import retention, upkeep
from newsletter.subscribers.models import StoredCount
from tests.benchmarks.readers_lists_plans import faults, scans

MOST_SECONDS = 5.0  # of a turn
ROW = "{:<46}{:>8}{:>9}  {}\n"
BEFORE_ANYTHING = timedelta(days=4_000)
type Chore = Callable[[datetime], object]


def chores() -> dict[str, tuple[Chore, datetime]]:
    """By name: the work of one turn, and the time it takes for now."""
    now = timezone.now()
    works: dict[str, Chore] = {
        "sign-ups, people, pauses, IP addresses": upkeep.clean_up,
        "IP addresses alone": retention.clean_up,
        "servers' words": deliveries.clean_up,
        "providers' reports": events.clean_up,
    }
    found = {f"{name}, work to do": (work, now) for name, work in works.items()}
    found |= {f"{name}, nothing to do": (work, now - BEFORE_ANYTHING) for name, work in works.items()}
    return found | {"counts for the desk": (_count, now)}


def _count(now: datetime) -> object:
    StoredCount.objects.all().delete()
    return refreshing.refresh(now=now)


def measure(name: str, work: Chore, now: datetime) -> bool:
    """Do one turn, look at its plans as they were before, and take it back."""
    wrong: list[str] = []
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        began = time.monotonic()
        result = work(now)
        seconds = time.monotonic() - began
        transaction.set_rollback(True)
    asked = [query["sql"] for query in queries.captured_queries]
    seen: set[str] = set()
    is_counting = name.startswith("counts")
    for node in (node for sql in asked if sql.startswith("SELECT") for node in scans(sql)):
        seen |= {f"{node['Node Type']} {node.get('Index Name') or node['Relation Name']}"}
        wrong += [] if is_counting else faults(node)
    wrong += [f"took {seconds:.1f} s"] if seconds > (60 if is_counting else MOST_SECONDS) else []
    told = f"{result}  {', '.join(sorted(seen))}" + (f"  WRONG: {'; '.join(sorted(set(wrong)))}" if wrong else "")
    sys.stdout.write(ROW.format(name, f"{seconds * 1000:.0f}", len(asked), told))
    return not wrong
