"""Times in which robots filled in the sign-up forms."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.transitions import transition

LEASE = timedelta(minutes=5)  # until the operator's mail is tried again, if no server took it


class AttackQuerySet(models.QuerySet["Attack"]):
    def open(self) -> AttackQuerySet:
        return self.filter(status=Attack.Status.OPEN)

    def untold(self, now: datetime) -> AttackQuerySet:
        """Of which the operator has not heard yet, and nobody is telling them at this moment."""
        return self._unclaimed(now).filter(told_at=None)

    def untold_of_end(self, now: datetime) -> AttackQuerySet:
        """Of whose end the operator has not heard, although they heard of the attack."""
        return self._unclaimed(now).filter(status=Attack.Status.OVER, told_at__isnull=False, end_told_at=None)

    def _unclaimed(self, now: datetime) -> AttackQuerySet:
        return self.filter(Q(tried_at=None) | Q(tried_at__lte=now - LEASE))


class Attack(models.Model):
    """While one is open, signing up asks for more (see newsletter/subscribers/shield). At most one is open."""

    class Status(models.TextChoices):
        OPEN = "open", _("going on")
        OVER = "over", _("over")

    status = models.CharField(_("status"), max_length=4, choices=Status, default=Status.OPEN)
    started_at = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    last_busy_at = models.DateTimeField(_("last busy"))
    threshold = models.PositiveIntegerField(_("attempts in ten minutes that began it"), default=0)
    peak = models.PositiveIntegerField(_("most attempts in ten minutes"), default=0)
    is_manual = models.BooleanField(_("switched on by hand"), default=False)
    tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    told_at = models.DateTimeField(_("operator told"), null=True, blank=True)
    end_told_at = models.DateTimeField(_("operator told of the end"), null=True, blank=True)

    objects = AttackQuerySet.as_manager()

    class Meta:
        verbose_name = _("attack")
        verbose_name_plural = _("sign-up protection")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="open"), name="one_open_attack"),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"

    def claim_telling(self, now: datetime) -> bool:
        """Take the telling of the operator upon oneself; of several workers exactly one gets True."""
        news = Attack.objects.untold(now) | Attack.objects.untold_of_end(now)
        return bool(news.filter(pk=self.pk).update(tried_at=now))

    def end(self, now: datetime) -> bool:
        """False if it had ended before."""
        return transition(self, sources=["open"], to=self.Status.OVER, ended_at=now, tried_at=None)
