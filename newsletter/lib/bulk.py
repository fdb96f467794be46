"""Reading and writing many rows at once: COPY on PostgreSQL, one prepared statement on SQLite. The one module that
knows which.

Rows are written as they are: no ``save()``, no signals, no defaults but those of the fields. Times must be in UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import batched, repeat
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL

BATCH, PIECE = 5_000, 1_000

type Waiting = tuple[tuple[str, ...], list[Any]]  # names and values of a row that is to be written
type Column = Sequence[Any] | Same

_SPECIAL = re.compile(r"[\\\n\r\t]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True, slots=True)
class Same:
    """A column that says the same in all rows, and is converted once."""

    value: Any


def insert_rows(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of the named fields' values; the database fills in what it has a default for.

    ``rows`` may be a generator, even one that asks the database: memory does not grow with it. Raises IntegrityError.
    """
    found = [model._meta.get_field(name) for name in fields]
    for batch in batched(rows, BATCH):
        _insert(model, found, [(len(batch), [_column(values) for values in zip(*batch, strict=True)])])


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

    def naming(self, *names: str) -> Callable[..., Waiting]:
        """For many rows that name the same columns, such as ``subscriber_id``: call it with their values in order."""
        rows = self._rows.setdefault(names, [])

        def add(*values: Any) -> Waiting:
            row = list(values)
            rows.append(row)
            return names, row

        return add

    def add(self, **values: Any) -> Waiting:
        """Put one row aside to be written; ``values`` by column attribute, such as ``subscriber_id``."""
        return self.naming(*values)(*values.values())

    def change(self, waiting: Waiting, **values: Any) -> Waiting:
        """Set values of a row that waits to be written. Returns the row that does so now."""
        names, row = waiting
        changed = dict(zip(names, row, strict=True)) | values
        row.clear()
        return self.add(**changed)

    def write(self) -> None:
        """Insert what was put aside. Raises IntegrityError if somebody was first."""
        groups = [(names, [row for row in rows if row]) for names, rows in self._rows.items()]
        for rows in self._rows.values():
            rows.clear()
        columns = [(len(rows), self._columns(names, rows)) for names, rows in groups if rows]
        if columns:
            _insert(self._model, self._fields, columns)

    def _columns(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
        """The rows turned on their side, in the order of the fields."""
        given = dict(zip(names, zip(*rows, strict=True), strict=True))
        found = (given.get(field.attname) for field in self._fields)
        return [
            Same(self._blank[field.attname]) if values is None else _column(values)
            for field, values in zip(self._fields, found, strict=True)
        ]


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


def commit_without_waiting() -> None:
    """Until the end of the transaction, which must be one that can be repeated: a crash of PostgreSQL's machine may
    lose it as a whole, though never a part of it, nor what anybody commits after it.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")


type Groups = Iterable[tuple[int, Sequence[Column]]]  # how many rows, and their columns in the order of the fields


def _insert(model: type[models.Model], fields: Sequence[Any], groups: Groups) -> None:
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    into = f"{connection.ops.quote_name(model._meta.db_table)} ({names})"
    write = _copy if connection.vendor == "postgresql" else _execute
    write(into, groups)


def _copy(into: str, groups: Groups) -> None:
    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for count, columns in groups:
            lines = map("\t".join, _rows(count, map(_texts, columns)))
            for piece in batched(lines, PIECE):  # PostgreSQL reads one while we write the next
                copy.write("\n".join([*piece, ""]))


def _execute(into: str, groups: Groups) -> None:
    with connection.cursor() as cursor:
        for count, columns in groups:
            marks = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {into} VALUES ({marks})"  # noqa: S608 - names of ours
            cursor.executemany(statement, list(_rows(count, map(_for_sqlite, columns))))


def _rows(count: int, columns: Iterable[Column]) -> Iterator[tuple[Any, ...]]:
    return zip(*(repeat(each.value, count) if isinstance(each, Same) else each for each in columns), strict=True)


def _column(values: tuple[Any, ...]) -> Column:
    return Same(values[0]) if values.count(values[0]) == len(values) else values


def _is_written(field: Any, given: tuple[str, ...]) -> bool:
    return field.attname in given or not (field.primary_key or field.has_db_default())


def _blank(field: Any, given: tuple[str, ...]) -> Any:
    return None if field.attname in given else field.get_db_prep_save(field.get_default(), connection)


# --- as COPY reads them: PostgreSQL, "COPY", text format --------------------------------------------------------------
def _texts(values: Column) -> Column:
    if isinstance(values, Same):
        return Same(_text(values.value))
    kinds = set(map(type, values))
    if kinds == {str}:
        return [*map(_text, values)] if _SPECIAL.search("".join(values)) else values
    if kinds == {int}:
        return [*map(str, values)]
    return [*map(_time if kinds == {datetime} else _text, values)]


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
        case float() | date() | IPv4Address() | IPv6Address():
            return str(value)
    raise TypeError(f"no text for COPY is known of {type(value)}")


_time = lru_cache(20_000)(str)  # the same time often stands in rows of several tables


# --- as Django writes them to SQLite ----------------------------------------------------------------------------------
def _for_sqlite(values: Column) -> Column:
    if isinstance(values, Same):
        return Same(_sqlite_value(values.value))
    return [*map(_sqlite_value, values)] if datetime in set(map(type, values)) else values


def _sqlite_value(value: Any) -> Any:
    return value.replace(tzinfo=None).isoformat(" ") if isinstance(value, datetime) else value
