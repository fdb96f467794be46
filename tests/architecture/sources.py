"""The product's own files, as the rules see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("articles", "newsletter", "config", "tests")


@dataclass(frozen=True)
class Source:
    """One Python file: where it is from the root, and what it says."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def python_sources(*, with_tests: bool) -> tuple[Source, ...]:
    """Every Python file of ours but migrations, in order."""
    packages = PACKAGES if with_tests else PACKAGES[:-1]
    paths = [ROOT / "manage.py", *(path for package in packages for path in (ROOT / package).rglob("*.py"))]
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), path.read_text())
        for path in sorted(paths)
        if "migrations" not in path.parts
    )


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
