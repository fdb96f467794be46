"""A transport that is being warmed up: it hands over no more mails a day than its plan allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Self

from newsletter.delivery.outcomes import Outcome, RationUsedUpError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.throttle.rations import Ration, next_day_begins_at
from newsletter.delivery.transports.base import Transport


class RationedTransport:
    """A Transport in front of another one. `deliver` raises RationUsedUpError as well, when all it drew is settled."""

    def __init__(self, transport: Transport, name: str, ration: Ration, *, clock: Callable[[], datetime]) -> None:
        self._transport = transport
        self._name = name
        self._ration = ration
        self._clock = clock
        self._is_used_up = False

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._transport.__exit__(kind, error, trace)
        finally:
            self._ration.close()

    def stop(self, *, grace: float) -> None:
        self._transport.stop(grace=grace)

    def deliver(self, messages: Iterable[Outgoing | None]) -> Iterator[Outcome]:
        self._is_used_up = False
        yield from self._transport.deliver(self._while_some_are_left(messages))
        if self._is_used_up:
            raise RationUsedUpError(self._name, until=next_day_begins_at(self._clock()))

    def _while_some_are_left(self, messages: Iterable[Outgoing | None]) -> Iterator[Outgoing | None]:
        """Asked before a message is drawn, so that none is drawn that may not go."""
        source = iter(messages)
        while self._ration.has_some(self._clock()):
            try:
                message = next(source)
            except StopIteration:
                return
            if message is not None:
                self._ration.use_one()
            yield message
        self._is_used_up = True
