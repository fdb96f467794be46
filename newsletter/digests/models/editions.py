"""The distinct contents of an issue, and which readers get which."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from newsletter.digests.models.issues import Issue
from newsletter.digests.models.offers import Offer
from newsletter.subscribers.models import TopicSet


class Edition(models.Model):
    """One distinct content of an issue. Readers who get the same articles share it; it is rendered once."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="editions")
    content_key = models.CharField(max_length=64, help_text="SHA-256 of the articles in their places, and the offers")
    articles = models.ManyToManyField(Article, through="EditionItem", related_name="editions")
    offers = models.ManyToManyField(Offer, through="EditionOffer", related_name="editions")
    is_short = models.BooleanField(_("short, for silent readers"), default=False, db_default=False)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it could not be rendered."))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        ordering = ["issue", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "content_key"], name="one_edition_per_issue_and_content")
        ]

    def __str__(self) -> str:
        return f"{self.issue}, edition {self.pk}"


class EditionItem(models.Model):
    """An article in an edition: as a story, or as one line under "More headlines"."""

    class Placement(models.TextChoices):
        STORY = "story", _("story")
        HEADLINE = "headline", _("more headlines")

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="items")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="edition_items")
    position = models.PositiveSmallIntegerField()
    placement = models.CharField(max_length=8, choices=Placement, default=Placement.STORY)

    class Meta:
        verbose_name = _("edition item")
        verbose_name_plural = _("edition items")
        ordering = ["edition", "position", "pk"]
        constraints = [models.UniqueConstraint(fields=["edition", "article"], name="one_item_per_edition_and_article")]

    def __str__(self) -> str:
        return str(self.article)


class EditionOffer(models.Model):
    """An offer in an edition. Where it stands the offer says."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="offer_items")
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="edition_items")

    class Meta:
        verbose_name = _("offer in an edition")
        verbose_name_plural = _("offers in editions")
        ordering = ["edition", "pk"]
        constraints = [models.UniqueConstraint(fields=["edition", "offer"], name="one_item_per_edition_and_offer")]

    def __str__(self) -> str:
        return str(self.offer)


class ReaderGroup(models.Model):
    """Readers of an issue who follow the same topics and have received the same before: they get the same now.

    ``received`` is what assembly's GroupKey says. ``edition`` is null where there is nothing for the group, and
    ``skipped_reason`` then says why.
    """

    class SkippedReason(models.TextChoices):
        NOTHING_NEW = "nothing_new", _("nothing new")
        TOO_FEW = "too_few", _("fewer articles than the minimum")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="reader_groups")
    topic_set = models.ForeignKey(TopicSet, on_delete=models.PROTECT, null=True, related_name="+")
    received = models.TextField(blank=True)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, null=True, related_name="reader_groups")
    skipped_reason = models.CharField(max_length=11, choices=SkippedReason, blank=True)

    class Meta:
        verbose_name = _("reader group")
        verbose_name_plural = _("reader groups")
        ordering = ["issue", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["issue", "topic_set", "received"],
                nulls_distinct=None,
                name="one_group_per_issue_topics_and_received",
            ),
            models.CheckConstraint(
                condition=Q(edition__isnull=False, skipped_reason="") | (Q(edition=None) & ~Q(skipped_reason="")),
                name="group_has_edition_or_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue}, group {self.pk}"
