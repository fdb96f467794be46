"""What the outside can set or call is written down."""

from __future__ import annotations

from tests import workspace
from tests.architecture import documented
from tests.architecture.sources import Source, python_sources


def test_every_environment_variable_is_documented() -> None:
    names = {name for source in python_sources(with_tests=False) for name in documented.environment_names(source)}

    assert {"SITE_URL", "DATABASE_URL", "MAILER_URL"} <= names
    assert documented.undocumented(names, documented.documentation("interface.md", "operations.md")) == []


def test_no_variable_of_the_product_leaks_into_the_tests() -> None:
    names = {name for source in python_sources(with_tests=False) for name in documented.environment_names(source)}
    chosen_per_run = {"DATA_DIR", "DATABASE_URL", "REDIS_URL", *documented.NOT_OURS}

    assert sorted(names - chosen_per_run - set(workspace.PRODUCT_VARIABLES)) == []


def test_every_command_is_documented() -> None:
    names = {name for source in python_sources(with_tests=False) if (name := documented.command_name(source))}

    assert {"demo", "tick", "up"} <= names
    assert documented.undocumented(names, documented.documentation("interface.md")) == []


def test_no_old_mail_settings() -> None:
    assert [use for source in python_sources(with_tests=False) for use in documented.old_mail_settings(source)] == []


def test_undocumented_names_and_old_settings_are_found() -> None:
    settings = Source("config/settings.py", "EMAIL_HOST = environment.text('NEW_KNOB', '')")
    command = Source("articles/management/commands/paint.py", "")

    assert list(documented.environment_names(settings)) == ["NEW_KNOB"]
    assert documented.command_name(command) == "paint"
    assert documented.undocumented(["NEW_KNOB", "paint"], "`manage.py paint --red` and NEW_KNOB") == ["NEW_KNOB"]
    assert list(documented.old_mail_settings(settings)) == ["config/settings.py:1 uses EMAIL_HOST"]
