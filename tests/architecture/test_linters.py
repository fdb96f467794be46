"""The linters of ``make check`` bite: each contract and each rule that we count on finds an offender."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

OFFENDERS = [
    ("articles/feeds/fetching.py", "import requests\n", "TID251"),
    ("newsletter/subscribers/signup.py", "import smtplib\n", "TID251"),
    ("newsletter/digests/drafting.py", "from django.core.mail import send_mail\n", "TID251"),
    ("newsletter/delivery/dispatch.py", "from django.utils.timezone import now\n", "TID251"),
    ("newsletter/delivery/dispatch.py", "from django.utils import timezone\nat = timezone.now()\n", "TID251"),
    ("newsletter/delivery/dispatch.py", "import datetime as d\nat = d.datetime.now(d.UTC)\n", "TID251"),
    ("articles/models.py", "from django.db.models.signals import post_save\n", "TID251"),
    ("articles/models.py", "from . import feeds\n", "TID252"),
    ("articles/views.py", "print('here')\n", "T201"),
    ("articles/views.py", "def show(article, full=False):\n    pass\n", "FBT002"),
    ("articles/views.py", "try:\n    x = 1\nexcept Exception:\n    x = 2\n", "BLE001"),
    ("articles/views.py", "import datetime as d\nat = d.datetime(2026, 1, 1)\n", "DTZ001"),
    ("articles/views.py", "def f(x):\n" + "".join(f"    if x == {n}:\n        x += 1\n" for n in range(8)), "C901"),
]
CODE = {
    "config/celery.py": "import celery\n",
    "articles/tasks.py": "import celery\n",
    "articles/models.py": "import newsletter.subscribers.models\n",
    "articles/left.py": "import articles.right\n",
    "articles/right.py": "import articles.left\n",
    "articles/views.py": "",
    "articles/admin.py": "",
    "articles/ringing.py": "import celery\nimport articles.tasks\nimport articles.views\nimport articles.admin\n",
    "newsletter/subscribers/models.py": "import newsletter.digests\n",
    "newsletter/stray/models.py": "",
}
PARTS = ("insights", "engagement", "delivery", "digests", "subscribers", "lib")


def contract_names() -> list[str]:
    lines = (ROOT / "pyproject.toml").read_text().partition("[tool.importlinter]")[2].splitlines()
    return [line.split('"')[1] for line in lines if line.startswith("name = ")]


def program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def lint_imports(project: Path) -> str:
    command = [program("lint-imports"), "--no-cache"]
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def make_project(folder: Path, code: dict[str, str]) -> None:
    """A project with the packages of this one, its linters' settings, and this code."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    packages = ["articles", "config", "newsletter", *(f"newsletter/{part}" for part in PARTS)]
    files = {f"{package}/__init__.py": "" for package in packages}
    files |= {f"{Path(path).parent.as_posix()}/__init__.py": "" for path in code} | code
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.mark.parametrize(("path", "code", "rule"), OFFENDERS)
def test_ruff_bites(path: str, code: str, rule: str) -> None:
    command = [program("ruff"), "check", "--no-cache", "--output-format=concise", "--stdin-filename"]

    run = subprocess.run([*command, path, "-"], cwd=ROOT, input=code, capture_output=True, text=True, check=False)

    assert f" {rule} " in run.stdout


def test_every_import_contract_bites(tmp_path: Path) -> None:
    make_project(tmp_path, CODE)

    report = lint_imports(tmp_path)

    names = contract_names()
    assert len(names) >= 7
    assert [name for name in names if f"{name} BROKEN" not in report] == [], report


def test_import_contracts_let_an_innocent_project_pass(tmp_path: Path) -> None:
    make_project(tmp_path, {"config/celery.py": "import celery\n", "newsletter/digests/models.py": "import articles\n"})

    report = lint_imports(tmp_path)

    assert [name for name in contract_names() if f"{name} KEPT" not in report] == [], report


def test_mypy_is_strict_and_knows_the_models(tmp_path: Path) -> None:
    code = "from articles.models import Topic\n\ndef first(x): return x\n\nname: int = Topic.objects.get(pk=1).name\n"
    (tmp_path / "offender.py").write_text(code)
    command = [program("mypy"), "--no-error-summary", "--follow-imports=silent"]

    run = subprocess.run(
        [*command, str(tmp_path / "offender.py")], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "[no-untyped-def]" in run.stdout
    assert 'expression has type "str", variable has type "int"' in run.stdout
