"""When newsletters go out, and by which rules their issues are filled."""

from __future__ import annotations

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models import Cadence, Newsletter


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def due(self, now: datetime) -> ScheduleQuerySet:
        """Schedules whose next run has come, the longest waiting first."""
        return self.filter(is_active=True, next_run_at__lte=now).order_by("next_run_at", "pk")

    def timed(self) -> ScheduleQuerySet:
        """Active schedules that follow the calendar."""
        return self.filter(is_active=True).exclude(cadence=Cadence.IMMEDIATE).order_by("pk")

    def with_every_article(self) -> ScheduleQuerySet:
        """Active schedules that follow the articles."""
        return self.filter(is_active=True, cadence=Cadence.IMMEDIATE).order_by("pk")


def every_day() -> list[int]:
    return [0, 1, 2, 3, 4, 5, 6]


class Schedule(models.Model):
    """When a newsletter's readers of one cadence get an issue, and by which rules it is filled.

    The cadence says which rules name the days (see scheduling.py): none with every article; ``weekdays`` and
    ``every_weeks`` up to once a week; ``day_of_month``, or ``nth_weekday`` of the ``weekdays``, once a month.
    ``next_run_at`` is one UTC instant computed from (local date, local time, zone), a note that the sweep keeps right.
    """

    class Approval(models.TextChoices):
        AUTOMATIC = "automatic", _("goes out by itself")
        NO_INTRO = "no_intro", _("goes out by itself, without an introduction that nobody approved")
        REQUIRED = "required", _("waits for an editor's approval")

    class WhenLate(models.TextChoices):
        SEND = "send", _("goes out late, and says so")
        SKIP = "skip", _("is skipped, and says so")

    class Nth(models.IntegerChoices):
        FIRST = 1, _("first")
        SECOND = 2, _("second")
        THIRD = 3, _("third")
        FOURTH = 4, _("fourth")
        LAST = -1, _("last")

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="schedules")
    cadence = models.CharField(_("for readers who chose"), max_length=14, choices=Cadence, default=Cadence.DAILY)
    time = models.TimeField(_("time of day"))
    more_times = models.JSONField(_("further times"), default=list, blank=True, help_text="of several a day: HH:MM")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    in_readers_zone = models.BooleanField(
        _("in each reader's own time zone"), default=False,
        help_text=_("It is ready at this time, and reaches each reader when it is this time where they are."),
    )  # fmt: skip
    weekdays = models.JSONField(_("weekdays"), default=every_day, help_text=_("0 is Monday."))
    every_weeks = models.PositiveSmallIntegerField(
        _("every … weeks"), default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    day_of_month = models.PositiveSmallIntegerField(
        _("day of month"), default=1, validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("For monthly schedules; the last day if the month is shorter."),
    )  # fmt: skip
    nth_weekday = models.SmallIntegerField(_("or on the"), choices=Nth, null=True, blank=True)
    first_date = models.DateField(_("first day"), null=True, blank=True)
    last_date = models.DateField(_("last day"), null=True, blank=True)
    paused_until = models.DateField(_("paused until"), null=True, blank=True, help_text=_("It runs again on this day."))
    skipped_dates = models.JSONField(_("skipped dates"), default=list, blank=True, help_text="YYYY-MM-DD")

    min_articles = models.PositiveSmallIntegerField(_("fewest articles"), default=1)
    latest_days = models.PositiveSmallIntegerField(
        _("fewer go out after (days)"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("An article waits for company no longer than this. Empty: until it is too old."),
    )  # fmt: skip
    max_articles = models.PositiveSmallIntegerField(_("most articles"), default=8)
    max_per_topic = models.PositiveSmallIntegerField(
        _("most articles of one topic"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("More of them become headlines. Empty: no limit."),
    )  # fmt: skip
    window_days = models.PositiveSmallIntegerField(_("an article waits at most (days)"), default=3)
    approval = models.CharField(_("approval"), max_length=9, choices=Approval, default=Approval.AUTOMATIC)
    draft_minutes = models.PositiveSmallIntegerField(_("draft opens before the run (minutes)"), default=45)
    tolerance_minutes = models.PositiveSmallIntegerField(
        _("late after (minutes)"), default=120, help_text=_("When the server was down at the time of a run.")
    )
    when_late = models.CharField(_("a late run"), max_length=4, choices=WhenLate, default=WhenLate.SEND)
    is_active = models.BooleanField(_("active"), default=True)
    planned_at = models.DateTimeField(null=True, editable=False, help_text="when its rules were set or switched on")
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
            models.CheckConstraint(condition=Q(every_weeks__gte=1), name="schedule_weeks_are_positive"),
            models.CheckConstraint(
                condition=Q(last_date=None) | Q(first_date=None) | Q(last_date__gte=models.F("first_date")),
                name="schedule_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}, {self.get_cadence_display()}"
