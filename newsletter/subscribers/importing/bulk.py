"""Reading and writing many rows at once: COPY on PostgreSQL, one prepared statement on SQLite. The one module here that
knows which.

Rows are written as they are: no ``save()``, no defaults but those of the fields. Times must be in UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from itertools import repeat
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL

type Waiting = tuple[tuple[str, ...], list[Any]]  # names and values of a row that is to be written

_SPECIAL = re.compile(r"[\\\n\r\t]")
_PLAIN = frozenset({int, datetime})
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class Table:
    """A model's table, and rows of it that wait to be written.

    Fields with a default in the database must be named in ``given`` to be written at all; ``always`` has what is the
    same in all rows.
    """

    def __init__(self, model: type[models.Model], *given: str, **always: Any) -> None:
        self._model = model
        self._fields: list[Any] = [each for each in model._meta.concrete_fields if _is_written(each, given)]
        self._blank = {field.attname: _blank(field, given) for field in self._fields} | always
        self._rows: dict[tuple[str, ...], list[list[Any]]] = {}  # by which columns they name: they lie side by side

    def add(self, **values: Any) -> Waiting:
        """Put a row aside to be written; ``values`` by column attribute, such as ``subscriber_id``."""
        names, row = tuple(values), list(values.values())
        same = self._rows.get(names)
        if same is None:
            same = self._rows[names] = []
        same.append(row)
        return names, row

    def change(self, waiting: Waiting, **values: Any) -> None:
        """Set values of a row that waits to be written."""
        names, row = waiting
        self.add(**dict(zip(names, row, strict=True)) | values)
        row.clear()

    def write(self) -> None:
        """Insert what was put aside. Raises IntegrityError if somebody was first."""
        found, self._rows = self._rows, {}
        groups = [(names, [row for row in rows if row]) for names, rows in found.items()]
        columns = [self._columns(names, rows) for names, rows in groups if rows]
        if columns and connection.vendor == "postgresql":
            self._copy(columns)
        elif columns:
            self._insert(columns)

    def _columns(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...] | repeat[Any]]:
        """The rows turned on their side, in the order of the fields: a tuple, or endlessly the same value."""
        given = dict(zip(names, zip(*rows, strict=True), strict=True))
        return [_column(given.get(field.attname), self._blank[field.attname]) for field in self._fields]

    def _into(self) -> str:
        names = ", ".join(connection.ops.quote_name(field.column) for field in self._fields)
        return f"{connection.ops.quote_name(self._model._meta.db_table)} ({names})"

    def _copy(self, groups: Iterable[Sequence[Any]]) -> None:
        with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {self._into()} FROM STDIN") as copy:
            for columns in groups:
                lines = map("\t".join, zip(*map(_texts, columns), strict=False))
                copy.write("\n".join([*lines, ""]))

    def _insert(self, groups: Iterable[Sequence[Any]]) -> None:
        marks = ", ".join(["%s"] * len(self._fields))
        statement = f"INSERT INTO {self._into()} VALUES ({marks})"  # noqa: S608 - names of ours
        with connection.cursor() as cursor:
            for columns in groups:
                cursor.executemany(statement, list(zip(*map(_for_sqlite, columns), strict=False)))


def update(model: type[models.Model], names: Sequence[str], rows: Iterable[tuple[int, Sequence[Any]]]) -> None:
    """Set these columns of many rows, each by its primary key to values of its own."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    quote = connection.ops.quote_name
    assignments = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    statement = f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE id = %s"  # noqa: S608 - names of ours
    with connection.cursor() as cursor:
        cursor.executemany(statement, [
            [*(field.get_db_prep_save(value, connection) for field, value in zip(fields, values, strict=True)), pk]
            for pk, values in rows
        ])  # fmt: skip


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


def among(values: Collection[str] | Collection[int]) -> RawSQL:
    """For ``field__in``: thousands of values as one parameter, which costs a tenth of a parameter each."""
    if connection.vendor == "postgresql":
        kind = "bigint" if any(isinstance(value, int) for value in values) else "text"
        listed = "\n".join(map(str, values))  # psycopg takes ten times as long over an array
        return RawSQL(f"SELECT unnest(string_to_array(%s, chr(10))::{kind}[])", [listed])  # noqa: S611 - ours
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(values))])


def prefer_indexes() -> None:
    """Until the end of the transaction: some thousand rows are looked up one by one in a table, however long it is."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")


def _column(values: tuple[Any, ...] | None, blank: Any) -> tuple[Any, ...] | repeat[Any]:
    if values is None:
        return repeat(blank)
    return repeat(values[0]) if len(values) > 1 and values.count(values[0]) == len(values) else values


def _is_written(field: Any, given: tuple[str, ...]) -> bool:
    return field.attname in given or not (field.primary_key or field.has_db_default())


def _blank(field: Any, given: tuple[str, ...]) -> Any:
    return None if field.attname in given else field.get_db_prep_save(field.get_default(), connection)


# --- as COPY reads them: PostgreSQL, "COPY", text format --------------------------------------------------------------
def _texts(values: Any) -> Iterator[str] | Sequence[str]:
    if isinstance(values, repeat):
        return repeat(_text(next(values)))
    kinds = set(map(type, values))
    if kinds == {str} and not _SPECIAL.search("".join(values)):
        found: Sequence[str] = values
        return found
    return [*map(str if kinds <= _PLAIN else _text, values)]


def _text(value: Any) -> str:
    match value:
        case None:
            return "\\N"
        case str():
            return str(value).translate(_ESCAPED)
        case bool():
            return "t" if value else "f"
        case int():
            return str(int(value))  # psycopg's own kinds of int, too
        case date() | IPv4Address() | IPv6Address():
            return str(value)
    raise TypeError(f"no text for COPY is known of {type(value)}")


# --- as Django writes them to SQLite ----------------------------------------------------------------------------------
def _for_sqlite(values: Any) -> Any:
    if isinstance(values, repeat):
        value = next(values)
        return repeat(_utc_text(value) if isinstance(value, datetime) else value)
    if datetime in set(map(type, values)):
        return [_utc_text(value) if isinstance(value, datetime) else value for value in values]
    return values


def _utc_text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ")
