"""What the outside can set or call: environment variables and commands."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tests.architecture.sources import ROOT, Source

NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PATH", "PYTHONPATH"}


def environment_names(source: Source) -> Iterator[str]:
    """Variables that ``environment.text("NAME", …)`` and ``os.environ.get("NAME")`` read."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner, first = ast.unparse(node.func.value), node.args[0]
            if owner in {"environment", "os.environ"} and isinstance(first, ast.Constant):
                yield str(first.value)


def command_name(source: Source) -> str | None:
    folder, _slash, file = source.path.rpartition("/")
    name = file.removesuffix(".py")
    return name if folder.endswith("/management/commands") and not name.startswith("_") else None


def undocumented(names: Iterable[str], text: str) -> list[str]:
    """Names that no code span of the text mentions; ``NAME`` may stand with arguments."""
    words = {
        word.strip("`,.=") for line in text.splitlines() for span in line.split("`")[1::2] for word in span.split()
    }
    return sorted(name for name in set(names) - NOT_OURS if name not in words)


def old_mail_settings(source: Source) -> Iterator[str]:
    """EMAIL_HOST and its like are deprecated: MAILERS says it all."""
    for node in ast.walk(source.tree):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name.startswith("EMAIL_"):
            yield f"{source.at(node)} uses {name}"


def documentation(*names: str) -> str:
    return "\n".join((ROOT / "docs" / name).read_text() for name in names if (ROOT / "docs" / name).exists())
