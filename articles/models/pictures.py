"""Pictures inside the texts of articles, kept here: a page or a mail of ours asks no third party for anything."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from articles.models.articles import Article


class BodyPictureQuerySet(models.QuerySet["BodyPicture"]):
    def due(self, now: datetime) -> BodyPictureQuerySet:
        """What is to be fetched now."""
        return self.filter(next_try_at__lte=now).order_by("next_try_at", "pk")

    def stored(self) -> BodyPictureQuerySet:
        return self.exclude(picture="")


class BodyPicture(models.Model):
    """A picture that an article's text names by its address elsewhere, and our copy of it once there is one."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="body_pictures")
    url = models.URLField(_("original address"), max_length=2000)
    url_digest = models.CharField(max_length=64, help_text="SHA-256 of the address")
    picture = models.ImageField(_("picture"), upload_to="pictures/%Y/%m", blank=True, max_length=200)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    try_count = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, db_index=True, help_text="null: it is here, or it never will be")

    objects = BodyPictureQuerySet.as_manager()

    class Meta:
        ordering = ["article", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["article", "url_digest"], name="one_body_picture_per_article_and_address")
        ]

    def __str__(self) -> str:
        return self.url
