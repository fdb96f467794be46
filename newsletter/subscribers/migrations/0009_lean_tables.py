"""Indexes and checks that cost every new reader something and serve no query.

Nothing is rewritten: SQLite would copy whole tables for changes of fields, so they are made by hand.
"""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models

MARKED = ["suppression", "subscriber", "subscription", "consentrecord"]
UNUSED_INDEXES = [("subscriber", "address_hash")]
IMPORT_RUN = {
    "db_constraint": False, "db_index": False, "editable": False, "null": True, "related_name": "+",
    "on_delete": django.db.models.deletion.PROTECT, "to": "subscribers.importrun",
}  # fmt: skip
MARK_TEXT = "the import that made this row, until anybody changes it"
# One index answers both = and LIKE 'reader%' if the column is compared by its bytes.
BYTES_COMPARED = 'ALTER TABLE subscribers_subscriber ALTER COLUMN address_key TYPE varchar(320) COLLATE "C"'
AS_TEXT_COMPARED = 'ALTER TABLE subscribers_subscriber ALTER COLUMN address_key TYPE varchar(320) COLLATE "default"'


def make_lean(apps: Apps, schema_editor: Any) -> None:
    for model, column in UNUSED_INDEXES:
        _drop_indexes(schema_editor, f"subscribers_{model}", column)
    if schema_editor.connection.vendor == "postgresql":
        for model, column in (("subscriber", "address_key"), ("consentrecord", "address_hash")):
            _drop_indexes(schema_editor, f"subscribers_{model}", column, suffix="_like")
        schema_editor.execute(BYTES_COMPARED)
        for model in MARKED:
            _drop_foreign_key(schema_editor, f"subscribers_{model}", "import_run_id")


def restore(apps: Apps, schema_editor: Any) -> None:
    """As the state before this migration has it; by other names, which nothing asks for."""
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for model, column in UNUSED_INDEXES:
        schema_editor.execute(f"CREATE INDEX {model}_{column}_again ON subscribers_{model} ({column})")
    if not is_postgresql:
        return
    schema_editor.execute(AS_TEXT_COMPARED)
    likes = [("subscriber", "address_key"), ("subscriber", "address_hash"), ("consentrecord", "address_hash")]
    for model, column in likes:
        columns = f"({column} varchar_pattern_ops)"
        schema_editor.execute(f"CREATE INDEX {model}_{column}_again_like ON subscribers_{model} {columns}")
    for model in MARKED:
        schema_editor.execute(
            f"ALTER TABLE subscribers_{model} ADD CONSTRAINT {model}_import_run_again FOREIGN KEY (import_run_id) "
            "REFERENCES subscribers_importrun (id) DEFERRABLE INITIALLY DEFERRED"
        )


def _constraints(schema_editor: Any, table: str) -> dict[str, Any]:
    with schema_editor.connection.cursor() as cursor:
        found: dict[str, Any] = schema_editor.connection.introspection.get_constraints(cursor, table)
    return found


def _drop_indexes(schema_editor: Any, table: str, column: str, *, suffix: str = "") -> None:
    for name, about in _constraints(schema_editor, table).items():
        is_plain = about["index"] and not about["unique"] and not about["primary_key"]
        if is_plain and about["columns"] == [column] and name.endswith(suffix):
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def _drop_foreign_key(schema_editor: Any, table: str, column: str) -> None:
    for name, about in _constraints(schema_editor, table).items():
        if about["foreign_key"] and about["columns"] == [column]:
            schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {schema_editor.quote_name(name)}")


def _mark(model: str, text: str = MARK_TEXT) -> migrations.AlterField:
    return migrations.AlterField(model, "import_run", models.ForeignKey(help_text=text, **IMPORT_RUN))


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0008_bulk_actions")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make_lean, restore)],
            state_operations=[
                migrations.AlterField(
                    "subscriber", "address_hash", models.CharField(editable=False, max_length=64)
                ),
                *(_mark(model) for model in MARKED[:3]),
                _mark("consentrecord", "the import that made this row, if one did"),
            ],
        )
    ]  # fmt: skip
