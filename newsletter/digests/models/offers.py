"""What the publisher and sponsors offer, and which issues carried it."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from newsletter.digests.models.issues import Issue
from newsletter.subscribers.models import Newsletter


class OfferQuerySet(models.QuerySet["Offer"]):
    def running(self, on: date) -> Self:
        """Offers booked for that day, the heaviest first."""
        return self.filter(starts_on__lte=on, ends_on__gte=on).order_by("-weight", "pk")

    def showable(self, on: date) -> Self:
        """Running ones that were not stopped and have readers left that they may reach."""
        return self.running(on).filter(Q(ceiling=None) | Q(shown_count__lt=F("ceiling")), is_stopped=False)


class Offer(models.Model):
    """Something the publisher or a sponsor offers: dated, always labelled as an advertisement."""

    class Place(models.TextChoices):
        """Where it stands in a mail. A mail has room for one offer at each."""

        AFTER_LEAD = "lead", _("after the lead story")
        AFTER_STORIES = "stories", _("after several stories")
        END = "end", _("at the end")

    advertiser = models.CharField(_("advertiser"), max_length=120)
    title = models.CharField(_("headline"), max_length=150)
    text = models.TextField(_("text"), max_length=600, blank=True)
    url = models.URLField(_("link"), max_length=1000)
    picture = models.ImageField(_("picture"), upload_to="offers/%Y/%m", blank=True, max_length=200)
    picture_alt = models.CharField(_("picture description"), max_length=300, blank=True)
    newsletters = models.ManyToManyField(Newsletter, verbose_name=_("newsletters"), blank=True, related_name="offers")
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    place = models.CharField(_("place"), max_length=7, choices=Place, default=Place.END, db_default=Place.END.value)
    after_stories = models.PositiveSmallIntegerField(
        _("after how many stories"), default=3, db_default=3, validators=[MinValueValidator(1)],
        help_text=_("In a mail with fewer stories it comes after the last."),
    )  # fmt: skip
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=1, validators=[MinValueValidator(1)],
        help_text=_("Where several are booked for one place they take turns, issue by issue: weight 2 twice as often."),
    )  # fmt: skip
    ceiling = models.PositiveIntegerField(
        _("most readers"), null=True, blank=True, validators=[MinValueValidator(1)],
        help_text=_("How many mails may carry it, of all issues together. Empty: no limit."),
    )  # fmt: skip
    is_stopped = models.BooleanField(
        _("stopped"), default=False, db_default=False, help_text=_("No mail carries it from now on.")
    )
    shown_count = models.PositiveIntegerField(
        _("shown to"), default=0, db_default=0, editable=False, help_text="mails that carry it, as last counted"
    )

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

    @property
    def is_used_up(self) -> bool:
        """Whether as many mails carry it as may."""
        return self.ceiling is not None and self.shown_count >= self.ceiling


class IssueOffer(models.Model):
    """That an issue carries an offer: it was the offer's turn when the issue was launched."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="carried_offers")
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="carriers")
    place = models.CharField(_("place"), max_length=7, choices=Offer.Place)
    shown_count = models.PositiveIntegerField(_("shown to"), default=0, help_text="mails: accepted or on their way")
    counted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("offer in an issue")
        verbose_name_plural = _("offers in issues")
        ordering = ["issue", "pk"]
        constraints = [models.UniqueConstraint(fields=["issue", "place"], name="one_offer_per_issue_and_place")]

    def __str__(self) -> str:
        return f"{self.issue}: {self.offer}"
