"""Readers who have not been heard of for a long time, while they could have been."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models.people import Subscription
from newsletter.subscribers.models.personal_mails import PersonalMail


class SilenceQuerySet(models.QuerySet["Silence"]):
    def shortening(self) -> SilenceQuerySet:
        """Of readers who get short digests."""
        return self.filter(stage__in=[Silence.Stage.SHORT, Silence.Stage.ASKED])


class Silence(models.Model):
    """A subscription whose reader is silent, and how far that has gone. A sign of life deletes it."""

    class Stage(models.TextChoices):
        SHORT = "short", _("gets short digests")
        ASKED = "asked", _("was asked whether they still want it")
        PAUSED = "paused", _("paused after a long silence")

    subscription = models.OneToOneField(
        Subscription, on_delete=models.CASCADE, related_name="silence", verbose_name=_("subscription")
    )
    stage = models.CharField(_("stage"), max_length=6, choices=Stage, default=Stage.SHORT)
    since = models.DateTimeField(_("noticed"))
    stage_at = models.DateTimeField(_("at this stage since"))
    mail = models.ForeignKey(
        PersonalMail, on_delete=models.SET_NULL, null=True, blank=True, related_name="silences", verbose_name=_("mail")
    )

    objects = SilenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("silent reader")
        verbose_name_plural = _("silent readers")
        ordering = ["-stage_at", "-pk"]
        indexes = [models.Index(fields=["stage", "stage_at"], name="silence_stage")]

    def __str__(self) -> str:
        return str(self.get_stage_display())
