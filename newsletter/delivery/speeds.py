"""Speed limits that people set, and what automatic slow-down has made of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

SLOWEST = 1 / 60  # mails a second
RECOVERY_MINUTES = 20.0  # until a whole rate is regained, in equal steps


class SpeedLimitQuerySet(models.QuerySet["SpeedLimit"]):
    def in_force(self) -> Self:
        return self.filter(Q(per_second__isnull=False) | Q(slowed_to__isnull=False)).order_by("scope", "name")


class SpeedLimit(models.Model):
    """How fast a newsletter, or everything to one receiver, may go, for all workers together."""

    class Scope(models.TextChoices):
        NEWSLETTER = "newsletter", _("newsletter")
        DOMAIN = "domain", _("mail domain")

    scope = models.CharField(_("of"), max_length=10, choices=Scope, default=Scope.DOMAIN)
    name = models.CharField(
        _("name"),
        max_length=255,
        help_text=_("The newsletter's short name, or a mail domain; gmail.com also stands for googlemail.com."),
    )
    per_second = models.FloatField(
        _("mails a second"),
        null=True,
        blank=True,
        validators=[MinValueValidator(SLOWEST)],
        help_text=_("At most, on average; one a minute at least. Empty: as fast as it goes."),
    )
    slowed_from = models.FloatField(null=True, blank=True, editable=False)
    slowed_to = models.FloatField(null=True, blank=True, editable=False)
    slowed_at = models.DateTimeField(_("slowed down"), null=True, blank=True, editable=False)
    reason = models.CharField(_("why"), max_length=300, blank=True, editable=False)

    objects = SpeedLimitQuerySet.as_manager()

    class Meta:
        verbose_name = _("speed limit")
        verbose_name_plural = _("speed limits")
        ordering = ["scope", "name"]
        constraints = [models.UniqueConstraint(fields=["scope", "name"], name="one_speed_limit_per_name")]

    def __str__(self) -> str:
        return self.name

    def effective(self, now: datetime) -> float | None:
        """Mails a second at this moment; None: no limit. What was slowed down recovers minute by minute."""
        if self.slowed_to is None or self.slowed_from is None or self.slowed_at is None:
            return self.per_second
        minutes = max((now - self.slowed_at).total_seconds() / 60, 0)
        recovered = self.slowed_to + self.slowed_from * minutes / RECOVERY_MINUTES
        if recovered >= self.slowed_from:
            return self.per_second
        return recovered if self.per_second is None else min(recovered, self.per_second)

    def whole_again_at(self, now: datetime) -> datetime | None:
        """When nothing of a slow-down is left; None: nothing is left of one now."""
        if self.slowed_to is None or self.slowed_from is None or self.slowed_at is None:
            return None
        at = self.slowed_at + timedelta(minutes=RECOVERY_MINUTES * (1 - self.slowed_to / self.slowed_from))
        return at if at > now else None

    def slow_down(self, *, observed: float, reason: str, now: datetime) -> bool:
        """Halve it. Of several workers that saw the same deferrals one does it."""
        current = self.effective(now) or observed
        before = (self.slowed_from or 0) if self.whole_again_at(now) else 0  # an earlier one that is over tells nothing
        mine = type(self).objects.filter(pk=self.pk, slowed_at=self.slowed_at)
        return bool(
            mine.update(
                slowed_from=max(self.per_second or max(before, current), SLOWEST),
                slowed_to=max(current / 2, SLOWEST),
                slowed_at=now,
                reason=reason[:300],
            )
        )

    def reset(self) -> None:
        """As if it had never been slowed down."""
        type(self).objects.filter(pk=self.pk).update(slowed_from=None, slowed_to=None, slowed_at=None, reason="")


class SpeedBucket(models.Model):
    """Where there is no Redis: until when a limit's mails are given out, in seconds since 1970."""

    key = models.CharField(max_length=300, primary_key=True)
    taken_until = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return self.key


class BounceAlarm(models.Model):
    """A campaign was stopped because too much came back: its counts then, from which the next alarm counts."""

    campaign = models.OneToOneField("delivery.Campaign", on_delete=models.CASCADE, related_name="bounce_alarm")
    accepted = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()
    bounced = models.PositiveIntegerField(default=0, db_default=0, help_text="as reported after it was accepted")
    complained = models.PositiveIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.campaign}: {self.refused}"
