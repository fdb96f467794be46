"""What was wrong in an issue, said with its date."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from newsletter.digests.models.issues import Issue


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def of_issue(self, issue: Issue) -> Self:
        """The notes for an issue's web version, the latest first: its own, and those on articles that it told."""
        mine = Q(issue=issue) | Q(article__in=issue.items.exclude(is_told=False).values("article"))
        return self.filter(mine).order_by("-at", "-pk")

    def on_page_of(self, article: Article) -> Self:
        """The notes for an article's page, the latest first."""
        return self.filter(article=article, is_on_article=True).order_by("-at", "-pk")


class Correction(models.Model):
    """A note on the web version of every issue with the article (or of the one issue), and on the article if wanted.

    ``mails`` are the issues by which those who had got it were told, one for each newsletter.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="corrections", verbose_name=_("issue"))
    article = models.ForeignKey(
        Article, on_delete=models.SET_NULL, null=True, blank=True, related_name="corrections", verbose_name=_("article")
    )
    note = models.TextField(_("what was wrong, and what is right"), max_length=1500)
    is_on_article = models.BooleanField(_("also on the article's page"), default=True)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.issue}: {self.note[:60]}"
