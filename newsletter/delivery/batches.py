"""What workers take from the ledger at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q


class BatchQuerySet(models.QuerySet["Batch"]):
    def free(self) -> Self:
        """Without a worker, the next one first."""
        return self.filter(lease="").order_by("rank", "pk")

    def held(self) -> Self:
        return self.exclude(lease="").order_by("pk")

    def packed_again(self) -> Self:
        """Of sends that were in a batch before, which may still list them."""
        return self.exclude(rank=Batch.Rank.FRESH)

    def send_pks(self) -> list[int]:
        return [pk for batch in self for pk in batch.send_pks]

    def expired(self, now: datetime) -> Self:
        """Held under a lease that has run out: the worker is gone."""
        return self.held().filter(lease_until__lt=now)


class Batch(models.Model):
    """Some sends that one worker takes at a time: claiming a thousand writes this one row, not a thousand.

    Which of them are still open, the ledger says: their status is queued. When none is, the batch is deleted.
    """

    class Rank(models.IntegerChoices):
        """Which go first."""

        PUT_OFF = 0, "tried before, and due again"
        FRESH = 1, "never tried"
        SUSPECT = 2, "a worker died of it, perhaps: alone in its batch, and last"

    campaign = models.ForeignKey("delivery.Campaign", on_delete=models.CASCADE, related_name="batches", db_index=False)
    rank = models.PositiveSmallIntegerField(choices=Rank, default=Rank.FRESH)
    has_waited = models.BooleanField(default=False, db_default=False)  # with a worker, which gave it back
    sends = models.TextField(help_text="their ids, between commas")
    open_count = models.PositiveIntegerField(help_text="of them that have no outcome yet")
    lease = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["campaign", "rank", "id"], name="batch_in_order")]
        constraints = [
            models.CheckConstraint(condition=Q(lease="") | Q(lease_until__isnull=False), name="held_batch_has_lease")
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.open_count}"

    @property
    def send_pks(self) -> list[int]:
        return [int(pk) for pk in self.sends.split(",")]
