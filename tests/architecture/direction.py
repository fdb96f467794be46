"""Rules about who may know whom, where import-linter cannot look: inside functions and inside strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import PACKAGES, Source, functions

# from the bottom up; a module may name its own layer and those below
LAYERS = (
    ("articles", "newsletter.lib"),
    ("newsletter.subscribers",),
    ("newsletter.digests",),
    ("newsletter.delivery",),
    ("newsletter.engagement",),
    ("newsletter.insights",),
    ("config",),
)
APP_LABELS = {
    package.rpartition(".")[2]: package for layer in LAYERS for package in layer if package != "newsletter.lib"
}
DOTTED = re.compile(r"(?:articles|config|newsletter\.[a-z]+)(?:\.\w+)+")
APP_AND_MODEL = re.compile(r"([a-z]+)\.[A-Z]\w+")


def hidden_imports(source: Source) -> Iterator[str]:
    """Our own code is imported at the top of the file, where import-linter and readers see it."""
    for function in functions(source.tree):
        for node in ast.walk(function):
            for name in _imported(node):
                if name.partition(".")[0] in PACKAGES:
                    yield f"{source.at(node)} imports {name} inside {function.name}()"


def upward_strings(source: Source) -> Iterator[str]:
    """A dotted path or an app's model in a string is an import as well."""
    own = layer_of(source.module)
    if own is None or own == len(LAYERS) - 1:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        named = _module_named_by(node.value)
        layer = layer_of(named) if named else None
        if layer is not None and layer > own:
            yield f"{source.at(node)} names {node.value!r}, which lies above it"


def layer_of(module: str) -> int | None:
    for number, layer in enumerate(LAYERS):
        if any(module == package or module.startswith(f"{package}.") for package in layer):
            return number
    return None


def _module_named_by(text: str) -> str | None:
    if DOTTED.fullmatch(text):
        return text
    if match := APP_AND_MODEL.fullmatch(text):
        return APP_LABELS.get(match[1])
    return None


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []
