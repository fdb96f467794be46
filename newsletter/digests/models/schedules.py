"""When newsletters go out, and by which rules their issues are filled."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models import Cadence, Newsletter


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def due(self, now: datetime) -> ScheduleQuerySet:
        """Schedules whose next run has come, the longest waiting first."""
        return self.filter(is_active=True, next_run_at__lte=now).order_by("next_run_at", "pk")

    def unplanned(self) -> ScheduleQuerySet:
        """Active schedules that were saved without planning their next run."""
        return self.filter(is_active=True, next_run_at=None).order_by("pk")


def every_day() -> list[int]:
    return [0, 1, 2, 3, 4, 5, 6]


class Schedule(models.Model):
    """When a newsletter's readers of one cadence get an issue, and by which rules it is filled.

    ``next_run_at`` is one UTC instant computed from (local date, local time, zone); see scheduling.py.
    """

    class Approval(models.TextChoices):
        AUTOMATIC = "automatic", _("goes out by itself")
        REQUIRED = "required", _("waits for an editor's approval")

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="schedules")
    cadence = models.CharField(_("for readers who chose"), max_length=14, choices=Cadence, default=Cadence.DAILY)
    time = models.TimeField(_("time of day"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    weekdays = models.JSONField(
        _("weekdays"), default=every_day, help_text=_("0 is Monday; for daily and weekly schedules.")
    )
    day_of_month = models.PositiveSmallIntegerField(
        _("day of month"), default=1, help_text=_("For monthly schedules; the last day if the month is shorter.")
    )
    min_articles = models.PositiveSmallIntegerField(_("fewest articles"), default=1)
    max_articles = models.PositiveSmallIntegerField(_("most articles"), default=8)
    window_days = models.PositiveSmallIntegerField(_("an article waits at most (days)"), default=3)
    approval = models.CharField(_("approval"), max_length=9, choices=Approval, default=Approval.AUTOMATIC)
    draft_minutes = models.PositiveSmallIntegerField(_("draft opens before the run (minutes)"), default=45)
    is_active = models.BooleanField(_("active"), default=True)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True, db_index=True, editable=False)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["newsletter", "cadence", "time", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_articles__gte=models.F("min_articles")), name="schedule_max_not_below_min"
            ),
            models.CheckConstraint(condition=Q(window_days__gte=1), name="schedule_window_is_positive"),
            models.CheckConstraint(
                condition=Q(day_of_month__gte=1, day_of_month__lte=31), name="schedule_day_of_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}, {self.get_cadence_display()}"
