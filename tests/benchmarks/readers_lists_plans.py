"""The plans of queries on big tables, as they ran, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

from tests.benchmarks import readers_lists_seed as seed

BIG = 50_000  # rows from which on a table must not be read to its end
MOST_READ = 100_000  # rows of a big table that one query may look at


def scans(sql: str) -> Iterator[dict[str, Any]]:
    """The plan's scans of big tables, as they ran."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"), [])
        answer = cursor.fetchone()[0]
    plan = json.loads(answer) if isinstance(answer, str) else answer
    waiting = [plan[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if seed.sizes().get(node.get("Relation Name", ""), 0) >= BIG:
            yield node


def faults(node: dict[str, Any]) -> Iterator[str]:
    loops = node["Actual Loops"]
    read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * loops
    if read > MOST_READ:
        yield f"{node['Node Type']} of {node['Relation Name']} reads {read:,.0f} rows"
    elif node["Node Type"] == "Seq Scan" and read > BIG // 10:
        yield f"sequential scan of {node['Relation Name']}"
