"""Sends of long ago, some thousand to a row: a tenth of what the ledger takes, and as exact."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple, Self

from django.db import models

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ArchivedSend(NamedTuple):
    """A row of the ledger without the server's words, which are forgotten by then. 0 stands for nobody and nothing."""

    pk: int
    subscriber_id: int
    edition_id: int
    status: str
    reason: str
    attempt_count: int
    settled_at: datetime | None


class ArchivedSendsQuerySet(models.QuerySet["ArchivedSends"]):
    def that_may_have_reader(self, subscriber_id: int) -> Self:
        return self.filter(first_subscriber__lte=subscriber_id, last_subscriber__gte=subscriber_id).order_by("pk")

    def that_may_have_send(self, pk: int) -> Self:
        return self.filter(first_send__lte=pk, last_send__gte=pk).order_by("pk")


class ArchivedSends(models.Model):
    """Some thousand sends of one campaign that came to an end long ago.

    A reader is a number here, and no key: whoever was erased is a number that names nobody and is never given again.
    """

    campaign = models.ForeignKey("delivery.Campaign", on_delete=models.CASCADE, related_name="archived_sends")
    first_send = models.BigIntegerField()
    last_send = models.BigIntegerField()
    first_subscriber = models.BigIntegerField()
    last_subscriber = models.BigIntegerField()
    counts = models.JSONField(help_text="[edition or 0, status, how many]")
    packed = models.BinaryField(help_text="see pack")

    objects = ArchivedSendsQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["first_subscriber", "last_subscriber"], name="archive_of_reader"),
            models.Index(fields=["last_send"], name="archive_of_send"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.first_send}-{self.last_send}"

    @property
    def sends(self) -> list[ArchivedSend]:
        """In the ledger's order."""
        return unpack(bytes(self.packed))


def pack(sends: Sequence[ArchivedSend]) -> bytes:
    """Column by column, each number as its distance from the one before it, which leaves little after compression."""
    outcomes = sorted({(send.status, send.reason) for send in sends})
    places = {outcome: n for n, outcome in enumerate(outcomes)}
    columns: list[Iterable[int]] = [
        [send.pk for send in sends],
        [send.subscriber_id for send in sends],
        [send.edition_id for send in sends],
        [places[send.status, send.reason] for send in sends],
        [send.attempt_count for send in sends],
        [_microseconds(send.settled_at) for send in sends],
    ]
    numbers = [number for column in columns for number in _steps(column)]
    head = json.dumps({"count": len(sends), "outcomes": outcomes}).encode()
    return zlib.compress(head + b"\n" + struct.pack(f"<{len(numbers)}q", *numbers), 9)


def unpack(packed: bytes) -> list[ArchivedSend]:
    head, body = zlib.decompress(packed).split(b"\n", 1)
    told = json.loads(head)
    count, outcomes = told["count"], told["outcomes"]
    numbers = struct.unpack(f"<{len(body) // 8}q", body)
    columns = [list(accumulate(numbers[n : n + count])) for n in range(0, len(numbers), count)]
    return [
        ArchivedSend(pk, reader, edition, outcomes[n][0], outcomes[n][1], attempts, _moment(settled))
        for pk, reader, edition, n, attempts, settled in zip(*columns, strict=True)
    ]


def _steps(column: Iterable[int]) -> Iterable[int]:
    return (after - before for before, after in pairwise([0, *column]))


def _microseconds(moment: datetime | None) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) if moment else 0


def _moment(microseconds: int) -> datetime | None:
    return EPOCH + timedelta(microseconds=microseconds) if microseconds else None
