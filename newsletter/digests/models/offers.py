"""What the publisher and sponsors offer."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models import Newsletter


class OfferQuerySet(models.QuerySet["Offer"]):
    def running(self, on: date) -> Self:
        """Offers booked for that day, the heaviest first."""
        return self.filter(starts_on__lte=on, ends_on__gte=on).order_by("-weight", "pk")


class Offer(models.Model):
    """Something the publisher or a sponsor offers: dated, always labelled as an advertisement."""

    advertiser = models.CharField(_("advertiser"), max_length=120)
    title = models.CharField(_("headline"), max_length=150)
    text = models.TextField(_("text"), blank=True)
    url = models.URLField(_("link"), max_length=1000)
    picture = models.ImageField(_("picture"), upload_to="offers/%Y/%m", blank=True, max_length=200)
    picture_alt = models.CharField(_("picture description"), max_length=300, blank=True)
    newsletters = models.ManyToManyField(Newsletter, verbose_name=_("newsletters"), blank=True, related_name="offers")
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["-starts_on", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="offer_ends_after_start")
        ]

    def __str__(self) -> str:
        return f"{self.advertiser}: {self.title}"
