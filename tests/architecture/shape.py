"""Rules about size, names and tasks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.architecture.sources import Source, functions

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_TASK_STATEMENTS = 3
CATCH_ALL_NAMES = {
    "services",
    "service",
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "managers",
    "constants",
}


def long_files(source: Source) -> Iterator[str]:
    count = len(source.text.splitlines())
    if count > MAX_FILE_LINES:
        yield f"{source.path} has {count} lines; split it by meaning"


def long_functions(source: Source) -> Iterator[str]:
    for function in functions(source.tree):
        count = (function.end_lineno or 0) - function.lineno + 1
        if count > MAX_FUNCTION_LINES:
            yield f"{source.at(function)} {function.name}() has {count} lines"


def catch_all_names(source: Source) -> Iterator[str]:
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if part in CATCH_ALL_NAMES:
            yield f"{source.path} says nothing of what is in it; name it after what people do"


def thick_tasks(source: Source) -> Iterator[str]:
    """A task parses nothing and decides nothing: at most three statements, and ids as keyword arguments."""
    for function in functions(source.tree):
        if not is_task(function):
            continue
        statements = [statement for statement in ast.walk(function) if isinstance(statement, ast.stmt)]
        count = len(statements) - 1 - _has_docstring(function)
        if count > MAX_TASK_STATEMENTS:
            yield f"{source.at(function)} {function.name}() has {count} statements; a task makes one call"
        arguments = function.args
        if arguments.args or arguments.posonlyargs or arguments.vararg or arguments.kwarg:
            yield f"{source.at(function)} {function.name}() takes something else than keyword arguments"
        for argument in arguments.kwonlyargs:
            if not _is_id(argument):
                yield f"{source.at(function)} {function.name}({argument.arg}) is no id"


def is_task(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("shared_task" in ast.unparse(decorator) for decorator in function.decorator_list)


def _has_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(function) is not None


def _is_id(argument: ast.arg) -> bool:
    is_id_name = argument.arg == "pk" or argument.arg.endswith(("_id", "_pk", "_ids"))
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    return is_id_name and annotation in {"int", "list[int]"}
