"""Warm-up plans: a mail server that receivers do not know yet hands over a few mails a day, then more each day."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

ENOUGH = 0.5  # of a day's ceiling must be used, or the day has shown receivers too little to raise it


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """A day to come, and how many mails it may bring."""

    day: date
    ceiling: int


class WarmUpQuerySet(models.QuerySet["WarmUp"]):
    def under_way(self) -> Self:
        return self.filter(finished_on=None).order_by("transport")


class WarmUp(models.Model):
    """How many mails a transport may hand over today, for all workers together, and how that grows.

    A day counts if enough of its ceiling was used and nothing went wrong; the next one's is higher then. ``step`` is
    how many days have counted, ``day`` the one that ``used`` and ``trouble`` are of. Days are the site's.
    """

    transport = models.CharField(_("transport"), max_length=20, unique=True)
    first_ceiling = models.PositiveIntegerField(
        _("mails on the first day"),
        default=500,
        validators=[MinValueValidator(10)],
        help_text=_("At most, as on every day. 500 is cautious; ask your provider what it advises."),
    )
    growth_percent = models.PositiveSmallIntegerField(
        _("more each day, in percent"),
        default=50,
        validators=[MinValueValidator(5), MaxValueValidator(200)],
        help_text=_("Of the day before: 50 makes 500, 750, 1,125."),
    )
    last_ceiling = models.PositiveIntegerField(
        _("mails a day at the end"),
        default=100_000,
        validators=[MinValueValidator(10)],
        help_text=_("About as many as your biggest day has. The plan is done when a day may bring that many."),
    )
    step = models.PositiveSmallIntegerField(default=0, editable=False)
    day = models.DateField(null=True, editable=False)
    used = models.PositiveIntegerField(default=0, editable=False)
    trouble = models.CharField(max_length=300, blank=True, editable=False)
    finished_on = models.DateField(_("done"), null=True, editable=False)

    objects = WarmUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("warm-up plan")
        verbose_name_plural = _("warm-up plans")
        ordering = ["transport"]

    def __str__(self) -> str:
        return self.transport

    def clean(self) -> None:
        if self.first_ceiling and self.last_ceiling and self.last_ceiling < self.first_ceiling:
            raise ValidationError({"last_ceiling": _("The last day brings no fewer mails than the first.")})

    @property
    def steps(self) -> int:
        """Days that must count until the plan is done."""
        factor = 1 + self.growth_percent / 100
        return math.ceil(round(math.log(max(self.last_ceiling / self.first_ceiling, 1)) / math.log(factor), 9))

    @property
    def ceiling(self) -> int:
        return self._ceiling(self.step)

    def is_good_day(self) -> bool:
        """Whether the day, as it is now, makes the next ceiling higher."""
        return not self.trouble and self.used >= self.ceiling * ENOUGH

    def days_after(self, today: date) -> Iterator[PlannedDay]:
        """From tomorrow to the last with a ceiling, if today (unless something went wrong) and all later ones count."""
        first = self.step if self.trouble else self.step + 1
        for n, step in enumerate(range(first, self.steps), start=1):
            yield PlannedDay(today + timedelta(days=n), self._ceiling(step))

    def done_on(self, today: date) -> date:
        """The first day without a ceiling, on the same condition."""
        return today + timedelta(days=self.steps - self.step + bool(self.trouble))

    def turn_over(self, today: date) -> WarmUpDay | None:
        """Begin another day if it is one: the one that is over, not saved. A clock that was set back begins none."""
        if self.day is not None and self.day >= today:
            return None
        over = None
        if self.day is not None:
            over = WarmUpDay(plan=self, day=self.day, ceiling=self.ceiling, used=self.used, trouble=self.trouble)
            self.step += self.is_good_day()
        self.day, self.used, self.trouble = today, 0, ""
        if self.step >= self.steps:
            self.finished_on = today
        return over

    def finish(self, today: date) -> bool:
        """No ceiling from now on. False if that is so already."""
        return bool(type(self).objects.under_way().filter(pk=self.pk).update(finished_on=today))

    def _ceiling(self, step: int) -> int:
        return min(int(self.first_ceiling * (1 + self.growth_percent / 100) ** step), self.last_ceiling)


class WarmUpDay(models.Model):
    """A day of a plan that is over."""

    plan = models.ForeignKey(WarmUp, on_delete=models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    ceiling = models.PositiveIntegerField(_("at most"))
    used = models.PositiveIntegerField(_("handed over"))
    trouble = models.CharField(_("what went wrong"), max_length=300, blank=True)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["plan", "day"], name="one_row_per_day_of_a_warm_up")]

    def __str__(self) -> str:
        return f"{self.plan}: {self.day}"
