"""One bad row must not stop the rest: errors are put off until everything else is done, and then raised together."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self


class Failures:
    """Errors of independent steps. ``with failures:`` around a step, ``raise_together`` after the last."""

    def __init__(self) -> None:
        self._errors: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self._errors.append(error)
        return True

    def attempt[T](self, step: Callable[[], T]) -> T | None:
        """What the step returns; None if it failed."""
        with self:
            return step()
        return None

    def raise_together(self) -> None:
        """Raises an ExceptionGroup if any step has failed."""
        if self._errors:
            raise ExceptionGroup("Some steps failed; the others are done.", self._errors)
