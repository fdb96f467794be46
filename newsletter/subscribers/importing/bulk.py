"""Writing many rows at once: COPY on PostgreSQL, one prepared statement on SQLite. The one module that knows which.

Times must be in UTC. Rows are written as they are: no ``save()``, no defaults but those of the fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, models


class Table:
    """A model's table, and rows of it that wait to be written. Fields with a default in the database must be named
    in ``given`` to be written at all.
    """

    def __init__(self, model: type[models.Model], *given: str) -> None:
        self._model = model
        self.fields: list[Any] = [each for each in model._meta.concrete_fields if _is_written(each, given)]
        self._blank = [_blank(field, given) for field in self.fields]
        self._position = {field.attname: number for number, field in enumerate(self.fields)}
        self._times = [number for number, field in enumerate(self.fields) if isinstance(field, models.DateTimeField)]
        self.rows: list[list[Any]] = []

    def add(self, **values: Any) -> list[Any]:
        """Put a row aside to be written; ``values`` by column attribute, such as ``subscriber_id``."""
        row = self._blank.copy()
        self.change(row, **values)
        self.rows.append(row)
        return row

    def change(self, row: list[Any], **values: Any) -> None:
        """Set values of a row that waits to be written."""
        position = self._position
        for name, value in values.items():
            row[position[name]] = value

    def write(self) -> int:
        """Insert what was put aside. Raises IntegrityError if somebody was first. Returns how many."""
        rows, self.rows = self.rows, []
        if not rows:
            return 0
        if connection.vendor == "postgresql":
            self._copy(rows)
        else:
            self._insert(rows)
        return len(rows)

    def _columns(self) -> str:
        return ", ".join(connection.ops.quote_name(field.column) for field in self.fields)

    def _name(self) -> str:
        return connection.ops.quote_name(self._model._meta.db_table)

    def _copy(self, rows: list[list[Any]]) -> None:
        statement = f"COPY {self._name()} ({self._columns()}) FROM STDIN"
        with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def _insert(self, rows: list[list[Any]]) -> None:
        marks = ", ".join(["%s"] * len(self.fields))
        for row in rows:
            for number in self._times:
                if isinstance(value := row[number], datetime):
                    row[number] = value.replace(tzinfo=None).isoformat(" ")  # as Django writes UTC to SQLite
        statement = f"INSERT INTO {self._name()} ({self._columns()}) VALUES ({marks})"  # noqa: S608 - names of ours
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def reserve_ids(model: type[models.Model], count: int) -> Iterable[int]:
    """Primary keys that nobody else will get; on SQLite only until the end of the transaction."""
    if not count:
        return []
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [connection.ops.quote_name(table), count],
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
    first = (row[0] if row else 0) + 1
    return range(first, first + count)


def _is_written(field: Any, given: tuple[str, ...]) -> bool:
    return field.attname in given or not (field.primary_key or field.has_db_default())


def _blank(field: Any, given: tuple[str, ...]) -> Any:
    return None if field.attname in given else field.get_db_prep_save(field.get_default(), connection)
