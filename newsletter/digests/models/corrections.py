"""What was wrong in an issue, said with its date."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from articles.models import Article


class Correction(models.Model):
    """A note on the web version of every issue with the article (or of the one issue), and on the article if wanted.

    ``mails`` are the issues by which those who had got it were told, one for each newsletter.
    """

    issue = models.ForeignKey(
        "digests.Issue", on_delete=models.CASCADE, related_name="corrections", verbose_name=_("issue")
    )
    article = models.ForeignKey(
        Article, on_delete=models.SET_NULL, null=True, blank=True, related_name="corrections", verbose_name=_("article")
    )
    note = models.TextField(_("what was wrong, and what is right"), max_length=1500)
    is_on_article = models.BooleanField(_("also on the article's page"), default=True)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.issue}: {self.note[:60]}"
