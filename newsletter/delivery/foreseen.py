"""Runs that are still to come, as they were last worked out."""

from __future__ import annotations

from django.db import models

from newsletter.digests.models import Issue


class IssueOutlook(models.Model):
    """What an issue's run would be as the worker last worked it out: no page can wait for a million readers."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="outlook")
    version = models.PositiveIntegerField(help_text="of the issue")
    forecast = models.JSONField()
    took_seconds = models.FloatField(default=0.0)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue}: {self.made_at:%Y-%m-%d %H:%M}"
