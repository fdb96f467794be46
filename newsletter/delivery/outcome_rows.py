"""Many outcomes in one UPDATE, as PostgreSQL and SQLite take it: the ORM would write a CASE with a branch for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from newsletter.delivery.models import Send
from newsletter.delivery.recipients import among

_MAX_RESPONSE = 500


class Row(NamedTuple):
    """What the ledger is to say of one send."""

    send_pk: int
    status: str
    reason: str = ""
    response: str = ""
    next_attempt_at: datetime | None = None
    attempts: int = 0  # by how many more it was tried


def write(rows: Sequence[Row], *, now: datetime) -> int:
    """Settle these sends, those that are still queued. Returns how many."""
    table = Send._meta.db_table
    clean = [row if _is_storable(row.response) else row._replace(response=_storable(row.response)) for row in rows]
    given, params = _as_arrays(clean) if connection.vendor == "postgresql" else _as_json(clean)
    looked_up, pks = _looked_up(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {table} SET status = given.status, reason = given.reason, response = given.response,
                   next_attempt_at = given.next_attempt_at, attempt_count = attempt_count + given.attempts,
                   settled_at = %s
            FROM ({given}) AS given
            WHERE {table}.id = given.id AND {table}.status = 'queued'{looked_up}
            """,  # noqa: S608 - a name of our own and constants
            [connection.ops.adapt_datetimefield_value(now), *params, *pks],
        )
        return int(cursor.rowcount)


def _looked_up(rows: Sequence[Row]) -> tuple[str, list[Any]]:
    """PostgreSQL looks the ids up if it gets them once more; SQLite does so by itself, or else pairs each with each."""
    if connection.vendor != "postgresql":
        return "", []
    theirs = among([row.send_pk for row in rows])
    return f" AND {theirs.sql}", list(theirs.params)


def _as_arrays(rows: Sequence[Row]) -> tuple[str, list[Any]]:
    """The arrays as PostgreSQL writes them: psycopg's way takes five times as long."""
    types = ("bigint", "text", "text", "text", "timestamptz", "integer")
    arrays = ", ".join(f"%s::{each}[]" for each in types)
    select = f"SELECT * FROM unnest({arrays}) AS u(id, status, reason, response, next_attempt_at, attempts)"  # noqa: S608
    pks, statuses, reasons, responses, times, attempts = zip(*rows, strict=True)
    quoted = [f'"{response.replace("\\", "\\\\").replace('"', '\\"')}"' for response in responses]
    columns = [map(str, pks), statuses, [reason or '""' for reason in reasons], quoted]
    columns += [[at.isoformat() if at else "NULL" for at in times], map(str, attempts)]
    return select, [f"{{{','.join(column)}}}" for column in columns]


def _as_json(rows: Sequence[Row]) -> tuple[str, list[Any]]:
    columns = ("id", "status", "reason", "response", "next_attempt_at", "attempts")
    picked = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(columns))
    adapt = connection.ops.adapt_datetimefield_value
    values = [[*row[:4], adapt(row.next_attempt_at), row.attempts] for row in rows]
    return f"SELECT {picked} FROM json_each(%s)", [json.dumps(values)]  # noqa: S608


def _is_storable(response: str) -> bool:
    return response.isascii() and "\0" not in response and len(response) <= _MAX_RESPONSE


def _storable(response: str) -> str:
    """A server may say anything; a database does not take NUL or half a surrogate pair."""
    return response.replace("\0", " ").encode("utf-8", "replace").decode()[:_MAX_RESPONSE]
