"""A production environment: nothing for Django to warn of, nothing open that should be closed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from pytest_django import Settings

from config import checks
from tests.architecture import documented
from tests.architecture.sources import ROOT, python_sources
from tests.config.managing import manage

PRODUCTION = {
    "SITE_URL": "https://news.example.org",
    "SECRET_KEY": "only-for-this-test-and-long-enough-for-it-0123456789-ABCDEF",
    "DATABASE_URL": "postgres://news:secret@db/news",
    "REDIS_URL": "redis://:secret@redis:6379/0",
    "MAILER_URL": "smtp://news:secret@mail:587?tls=1",
}
SHOW = """
import json
import re
from django.conf import settings as s
names = "SECURE_SSL_REDIRECT SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_HSTS_SECONDS DEBUG ALLOWED_HOSTS "
names += "IS_MAILBOX_OPEN IS_BROKER_EMBEDDED CSRF_TRUSTED_ORIGINS"
print(json.dumps({name: getattr(s, name) for name in names.split()}))
"""


def in_production(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return manage(*arguments, **{**PRODUCTION, **environment})


def test_check_deploy_has_nothing_to_say() -> None:
    check = in_production("check", "--deploy", "--fail-level", "WARNING")

    assert check.returncode == 0, check.stderr
    assert "no issues" in check.stdout


def test_check_deploy_would_say_if_something_were_weak() -> None:
    check = in_production("check", "--deploy", "--fail-level", "WARNING", SECRET_KEY="short")

    assert check.returncode == 1
    assert "security.W009" in check.stderr


def test_everything_is_closed_that_may_be() -> None:
    shown = json.loads(in_production("shell", "-v0", "-c", SHOW).stdout)

    assert shown == {
        "SECURE_SSL_REDIRECT": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "DEBUG": False,
        "ALLOWED_HOSTS": shown["ALLOWED_HOSTS"],
        "IS_MAILBOX_OPEN": False,
        "IS_BROKER_EMBEDDED": False,
        "CSRF_TRUSTED_ORIGINS": ["https://news.example.org"],
    }
    assert set(shown["ALLOWED_HOSTS"]) == {"news.example.org", "localhost", "127.0.0.1"}


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("MAILER_URL", "pigeon://loft"), ("DEBUG", "perhaps")])
def test_a_bad_setting_stops_every_command_with_a_sentence(name: str, value: str) -> None:
    check = in_production("check", **{name: value})

    assert check.returncode != 0
    assert f"{name} " in check.stderr.splitlines()[-1]


def test_a_template_that_does_not_compile_is_found(settings: Settings, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    templates = tmp_path / "newsletter" / "digests" / "templates"
    templates.mkdir(parents=True)
    (templates / "good.html").write_text("{% if True %}yes{% endif %}")
    (templates / "broken.html").write_text("{% if %}")

    (found,) = checks.every_template_compiles()

    assert "newsletter/digests/templates/broken.html" in found.msg


def test_compose_sets_only_what_the_product_reads() -> None:
    compose = (ROOT / "compose.yaml").read_text()
    shared = compose.partition("x-broadsheet:")[2].partition("services:")[0]
    read = {name for source in python_sources(with_tests=False) for name in documented.environment_names(source)}
    celerys_own = {"REMAP_SIGTERM"}

    set_there = set(re.findall(r"^    ([A-Z_]+):", shared, re.MULTILINE))

    assert "DATABASE_URL" in set_there
    assert set_there - read == celerys_own
