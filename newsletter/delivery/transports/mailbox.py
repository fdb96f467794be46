"""The built-in mailbox as a transport: it takes everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from newsletter.delivery.mailbox.store import keep
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.personalization import Outgoing


class MailboxTransport:
    """A Transport."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def deliver(self, messages: Iterable[Outgoing]) -> Iterator[Outcome]:
        for message in messages:
            keep([(message.recipient, message.data.replace(b"\r\n..", b"\r\n."))])
            yield Outcome(message.send_pk, Fate.ACCEPTED, "kept in the mailbox")
