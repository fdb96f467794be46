"""What every transport promises: it draws messages and says of each what became of it.

Many messages may be under way at once, so outcomes come in any order. What counts after a crash is told by three rules:
a message that was not drawn was not handed over; one that was drawn and has no outcome when `deliver` has ended, in
whatever way, was certainly not handed over either; one that was handed over has exactly one outcome, UNKNOWN if the
answer never came.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.personalization import Outgoing

ASK_AGAIN_SECONDS = 0.05  # after a None


class Transport(Protocol):
    """A way out, opened with ``with``. It is not thread-safe; only ``stop`` may be called from anywhere."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def deliver(self, messages: Iterable[Outgoing | None]) -> Iterator[Outcome]:
        """Hand the messages over and yield what became of them, in any order.

        Messages are drawn lazily, in the calling thread, ahead of their outcomes by no more than the transport can
        have under way. A None means "nothing right now": the transport sees to what is under way, and asks again
        within ASK_AGAIN_SECONDS. When ``messages`` ends, what was drawn is finished; what could not be begun within a
        second has no outcome, for a person may have stopped the campaign.

        Raises TransportDownError or SenderRefusedError, after it has yielded UNKNOWN for every message that was
        handed over and not answered. Messages without an outcome by then were not handed over.

        Draw to the end. Who must leave early lets ``messages`` end or calls ``stop``; a generator that is merely
        closed cannot say any more what became of the messages under way.
        """
        ...

    def stop(self, *, grace: float) -> None:
        """Draw no more. What is handed over and not answered within ``grace`` seconds becomes UNKNOWN.

        What was drawn and not yet begun has no outcome. May be called from a signal handler or from within
        ``messages``. Afterwards `deliver` only ends.
        """
        ...


def one_at_a_time(messages: Iterable[Outgoing | None]) -> Iterator[Outgoing]:
    """For transports with nothing under way between two messages: waits where there is nothing right now."""
    for message in messages:
        if message is None:
            time.sleep(ASK_AGAIN_SECONDS)
        else:
            yield message
