"""What is kept of the writing: earlier versions, work that is not saved yet, and who is at it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from articles.models.articles import Article

PRESENT_FOR = timedelta(seconds=45)  # three missed signs of life, and somebody counts as gone


class Revision(models.Model):
    """What an article said from some moment on. Never edited; the newest is what the article says now."""

    class Reason(models.TextChoices):
        FOUND = "found", _("as it came")
        SAVED = "saved", _("saved")
        RESTORED = "restored", _("restored")
        MERGED = "merged", _("merged")

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="revisions")
    editor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("editor")
    )
    reason = models.CharField(_("reason"), max_length=8, choices=Reason, default=Reason.SAVED)
    content = models.JSONField(encoder=DjangoJSONEncoder, help_text="field -> value; of relations the ids")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content")
    created_at = models.DateTimeField(_("saved"))

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ["article", "-pk"]

    def __str__(self) -> str:
        return f"{self.article}, {self.created_at:%Y-%m-%d %H:%M}"


class WorkingCopyQuerySet(models.QuerySet["WorkingCopy"]):
    def forgotten(self, now: datetime) -> WorkingCopyQuerySet:
        """What nobody came back to."""
        return self.filter(saved_at__lt=now - WorkingCopy.KEPT_FOR)


class WorkingCopy(models.Model):
    """What an editor has typed and not saved yet. Nobody else sees it, and nothing is published from it."""

    KEPT_FOR = timedelta(days=60)

    article = models.ForeignKey(Article, on_delete=models.CASCADE, null=True, related_name="working_copies")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    values = models.JSONField(help_text="field of the form -> what was typed, a list for each")
    base = models.CharField(max_length=64, blank=True, help_text="digest of the version that it began with")
    saved_at = models.DateTimeField()

    objects = WorkingCopyQuerySet.as_manager()

    class Meta:
        ordering = ["-saved_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["article", "editor"],
                condition=Q(article__isnull=False),
                name="one_working_copy_per_article_and_editor",
            )
        ]

    def __str__(self) -> str:
        return str(self.values.get("title", [""])[0] or self.article or _("untitled"))


class EditingPresenceQuerySet(models.QuerySet["EditingPresence"]):
    def present(self, now: datetime) -> EditingPresenceQuerySet:
        return self.filter(seen_at__gt=now - PRESENT_FOR).order_by("pk")


class EditingPresence(models.Model):
    """An editor has this article open; the page says so every few seconds."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="presences")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    has_changes = models.BooleanField(default=False)

    objects = EditingPresenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["article", "editor"], name="one_presence_per_article_and_editor")
        ]

    def __str__(self) -> str:
        return f"{self.editor}: {self.article}"
