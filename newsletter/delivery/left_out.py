"""Transports that take nothing just now."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class TransportOutageQuerySet(models.QuerySet["TransportOutage"]):
    def lasting(self, now: datetime) -> Self:
        """Of the transports that are left out now."""
        return self.filter(Q(until=None) | Q(until__gt=now)).order_by("name")


class TransportOutage(models.Model):
    """A transport of several that took nothing when it was last tried. All workers leave it out; deleted, it is used.

    It stays until the transport has accepted a mail again, so that a second failure is waited out for longer.
    """

    name = models.CharField(_("transport"), max_length=20, primary_key=True)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(
        _("tried again"), null=True, blank=True, help_text=_("Not by itself if it refuses to send for us.")
    )
    reason = models.CharField(_("its words"), max_length=300)
    failure_count = models.PositiveSmallIntegerField(_("failures in a row"), default=1)

    objects = TransportOutageQuerySet.as_manager()

    class Meta:
        verbose_name = _("transport that is left out")
        verbose_name_plural = _("transports that are left out")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
