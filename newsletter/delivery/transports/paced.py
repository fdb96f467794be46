"""A transport that goes no faster than its limit, which all workers share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.throttle.lanes import Lane
from newsletter.delivery.transports.base import Transport


class PacedTransport:
    """A Transport in front of another one. A message is drawn when it may go, so nothing waits that was drawn.

    When the lane has no seconds left, drawing only learns that there are no more messages: that is not waited for.
    """

    def __init__(self, transport: Transport, lane: Lane) -> None:
        self._transport = transport
        self._lane = lane

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._transport.__exit__(kind, error, trace)
        finally:
            self._lane.close()

    def stop(self, *, grace: float) -> None:
        self._transport.stop(grace=grace)

    def deliver(self, messages: Iterable[Outgoing | None]) -> Iterator[Outcome]:
        return self._transport.deliver(self._when_they_may(messages))

    def _when_they_may(self, messages: Iterable[Outgoing | None]) -> Iterator[Outgoing | None]:
        source = iter(messages)
        while True:
            while self._lane.seconds_left() > 0 and self._lane.wait():
                yield None
            try:
                message = next(source)
            except StopIteration:
                return
            if message is not None:
                self._lane.take()
            yield message
