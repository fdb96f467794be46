"""Writing many rows at once: COPY on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any

from django.db import connection, models

BATCH = 5_000


def insert_rows(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of the named fields' values as they are; the database fills in what it has a default for.

    No ``save()``, no signals. ``rows`` may be a generator: memory does not grow with it. Raises IntegrityError.
    """
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(model._meta.get_field(name).column)) for name in fields)  # type: ignore[union-attr]
    into = f"{quote(model._meta.db_table)} ({columns})"
    marks = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        for batch in batched(rows, BATCH):  # taken first: rows may come from a query of the same connection
            if connection.vendor == "postgresql":
                with cursor.cursor.copy(f"COPY {into} FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row(row)
            else:
                cursor.executemany(f"INSERT INTO {into} VALUES ({marks})", batch)  # noqa: S608 - our own models' names
