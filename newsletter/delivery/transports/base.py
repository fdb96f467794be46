"""What every transport promises: it takes messages one after another and says of each what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.personalization import Outgoing


class Transport(Protocol):
    """A way out, opened with ``with``. It is not thread-safe."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def deliver(self, messages: Iterable[Outgoing]) -> Iterator[Outcome]:
        """Hand the messages over, lazily: a message is drawn only when the one before has its outcome.

        Raises TransportDownError or SenderRefusedError; messages without an outcome by then were not taken.
        """
        ...
