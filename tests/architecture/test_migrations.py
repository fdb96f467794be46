"""The migrations say what the models say."""

from __future__ import annotations

from django.apps import apps
from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState


def missing_migrations(state: ProjectState) -> list[str]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    changes = MigrationAutodetector(loader.project_state(), state).changes(graph=loader.graph)
    return [
        f"{app}: {operation.describe()}"
        for app, migrations in changes.items()
        for migration in migrations
        for operation in migration.operations
    ]


def test_no_migration_is_missing() -> None:
    assert missing_migrations(ProjectState.from_apps(apps)) == []


def test_missing_migration_is_found() -> None:
    state = ProjectState.from_apps(apps)

    state.add_field("articles", "topic", "mood", models.CharField(default=""), preserve_default=True)

    assert missing_migrations(state) == ["articles: Add field mood to topic"]
