"""Address columns that are compared by their bytes on PostgreSQL: one index then answers both = and LIKE 'reader%'."""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.db import migrations

BYTES_COMPARED = 'ALTER TABLE subscribers_subscriber ALTER COLUMN address_key TYPE varchar(320) COLLATE "C"'
AS_TEXT_COMPARED = 'ALTER TABLE subscribers_subscriber ALTER COLUMN address_key TYPE varchar(320) COLLATE "default"'
COLUMNS = [("subscribers_subscriber", "address_key"), ("subscribers_consentrecord", "address_hash")]


def compare_by_bytes(apps: Apps, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, column in COLUMNS:
        for name in _second_indexes(schema_editor, table, column):
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")
    schema_editor.execute(BYTES_COMPARED)


def compare_as_text(apps: Apps, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(AS_TEXT_COMPARED)
    for table, column in COLUMNS:
        schema_editor.execute(f"CREATE INDEX {table}_{column}_like ON {table} ({column} varchar_pattern_ops)")


def _second_indexes(schema_editor: Any, table: str, column: str) -> list[str]:
    """Those that Django makes beside a text column's own, for LIKE."""
    with schema_editor.connection.cursor() as cursor:
        constraints = schema_editor.connection.introspection.get_constraints(cursor, table)
    return [name for name, about in constraints.items() if about["columns"] == [column] and name.endswith("_like")]


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0001_initial")]
    operations = [migrations.RunPython(compare_by_bytes, compare_as_text)]
