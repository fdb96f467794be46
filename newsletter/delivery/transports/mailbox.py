"""The built-in mailbox as a transport: it takes everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from newsletter.delivery.mailbox.store import keep
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.base import one_at_a_time


class MailboxTransport:
    """A Transport."""

    def __init__(self) -> None:
        self._is_stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def stop(self, *, grace: float) -> None:
        self._is_stopping = True

    def deliver(self, messages: Iterable[Outgoing | None]) -> Iterator[Outcome]:
        for message in one_at_a_time(messages):
            if self._is_stopping:
                return
            if message.note_held:
                message.note_held(False)  # noqa: FBT003 - that is what it is told
            keep([(message.recipient, message.data)])
            yield Outcome(message.send_pk, Fate.ACCEPTED, "kept in the mailbox")
