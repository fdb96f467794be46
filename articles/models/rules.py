"""What editors decided about a feed's items: lines that are no news, and topics that categories stand for."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from articles.models.feeds import Feed
from articles.models.topics import Topic


class BoilerplateRule(models.Model):
    """A line of text that is taken out of what feeds bring, or that stays although a standard rule would take it."""

    class Effect(models.TextChoices):
        LINE = "line", _("remove the paragraph")
        REST = "rest", _("remove the paragraph and all that follows")
        KEEP = "keep", _("keep the paragraph")

    feed = models.ForeignKey(
        Feed, on_delete=models.CASCADE, null=True, blank=True, related_name="boilerplate_rules",
        verbose_name=_("feed"), help_text=_("Empty: every feed."),
    )  # fmt: skip
    pattern = models.CharField(
        _("words"),
        max_length=200,
        help_text=_("What the whole paragraph says; * stands for anything. Upper and lower case are the same."),
    )
    effect = models.CharField(_("effect"), max_length=4, choices=Effect, default=Effect.LINE)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("boilerplate rule")
        verbose_name_plural = _("boilerplate rules")
        ordering = ["pattern", "pk"]

    def __str__(self) -> str:
        return self.pattern


class CategoryRuleQuerySet(models.QuerySet["CategoryRule"]):
    def active(self) -> CategoryRuleQuerySet:
        return self.filter(status=CategoryRule.Status.ACTIVE)


class CategoryRule(models.Model):
    """What a category of a feed says about topics: this one, or not this one (or none at all)."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        ACTIVE = "active", _("active")
        OFF = "off", _("switched off")

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="category_rules", verbose_name=_("feed"))
    category = models.CharField(_("category"), max_length=120, help_text=_("As the feed writes it."))
    category_key = models.CharField(max_length=120, editable=False, help_text="the category in lower case")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+", verbose_name=_("topic"))
    is_exclusion = models.BooleanField(
        _("not this topic"), default=False, help_text=_("The category never leads to this topic.")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE)
    is_learned = models.BooleanField(_("learned"), default=False, editable=False)
    learned_from = models.JSONField(default=list, editable=False, help_text="articles whose correction taught this")
    changed_at = models.DateTimeField(_("changed"), null=True, editable=False)

    objects = CategoryRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("category rule")
        verbose_name_plural = _("category rules")
        ordering = ["feed", "category_key", "topic", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["feed", "category_key", "topic"], name="one_category_rule_per_feed_category_and_topic"
            ),
            models.CheckConstraint(condition=~Q(category_key=""), name="category_rule_has_category"),
        ]

    def __str__(self) -> str:
        return f"{self.category} → {self.topic}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.category_key = category_key(self.category)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def decide(self, status: str, now: datetime) -> bool:
        """Accept it or switch it off. False if it had that status already."""
        return bool(type(self).objects.filter(pk=self.pk).exclude(status=status).update(status=status, changed_at=now))


def category_key(category: str) -> str:
    """What two spellings of a category have in common."""
    return " ".join(category.split()).casefold()[:120]
