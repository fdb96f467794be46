"""Where an issue's measured links lead."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from newsletter.digests.models.issues import Issue


class Link(models.Model):
    """A destination of an issue, kept when its first mail that measures clicks is made. We redirect to nothing else."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="links", verbose_name=_("issue"))
    article = models.ForeignKey(
        Article, on_delete=models.SET_NULL, null=True, related_name="links", verbose_name=_("article"),
        help_text=_("None if it leads to no story."),
    )  # fmt: skip
    url = models.URLField(_("destination"), max_length=2000)
    url_hash = models.CharField(max_length=64, editable=False)
    click_count = models.PositiveIntegerField(_("readers who clicked"), default=0)

    class Meta:
        db_table = "engagement_link"  # where it was made
        verbose_name = _("link")
        verbose_name_plural = _("links")
        ordering = ["issue", "pk"]
        constraints = [models.UniqueConstraint(fields=["issue", "url_hash"], name="one_link_per_issue_and_url")]

    def __str__(self) -> str:
        return self.url
