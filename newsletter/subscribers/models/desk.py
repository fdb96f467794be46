"""What the desk keeps for its own use: labels on readers, and counts that a page can show without counting."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Label(models.Model):
    """A word that editors put on readers to find them again. It is part of what we hold on them; no mail uses it."""

    name = models.CharField(_("name"), max_length=60, unique=True)

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class StoredCountManager(models.Manager["StoredCount"]):
    def named(self, names: Collection[str]) -> dict[str, StoredCount]:
        """Those of the counts that exist, by name. One query."""
        return {each.name: each for each in self.filter(name__in=names)}

    def store(self, counts: dict[str, int], *, now: datetime) -> None:
        rows = [StoredCount(name=name, count=count, counted_at=now) for name, count in counts.items()]
        self.bulk_create(
            rows, update_conflicts=True, unique_fields=["name"], update_fields=["count", "counted_at"], batch_size=500
        )


class StoredCount(models.Model):
    """How many there were when the sweep last counted. A table of its own because counting a million rows is no work
    for a page, and none of the rows that are counted may be written to for it.
    """

    name = models.CharField(max_length=60, unique=True)
    count = models.BigIntegerField()
    counted_at = models.DateTimeField()

    objects: ClassVar[StoredCountManager] = StoredCountManager()

    class Meta:
        verbose_name = _("stored count")
        verbose_name_plural = _("stored counts")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"
