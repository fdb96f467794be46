"""Figures that are kept because counting them anew for every look would be work without an end."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models import Newsletter


class GrowthDay(models.Model):
    """How a newsletter's readers came and went on one day of the site's time zone. Counted anew from the records."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="growth_days", db_index=False)
    day = models.DateField(_("day"))
    joined_count = models.PositiveIntegerField(_("joined"), default=0)
    left_count = models.PositiveIntegerField(_("left"), default=0)
    bounced_count = models.PositiveIntegerField(_("bounced or complained"), default=0)

    class Meta:
        verbose_name = _("day of growth")
        verbose_name_plural = _("days of growth")
        ordering = ["-day", "newsletter", "pk"]
        constraints = [models.UniqueConstraint(fields=["newsletter", "day"], name="one_growth_per_newsletter_and_day")]

    def __str__(self) -> str:
        return f"{self.newsletter}, {self.day}"
