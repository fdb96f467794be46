"""Welcome mails: one row for one that is owed, and the proof that it was sent."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from newsletter.lib.transitions import transition
from newsletter.subscribers.models.owed import OwedMail, OwedMailQuerySet
from newsletter.subscribers.models.people import Subscription


class WelcomeMailQuerySet(OwedMailQuerySet["WelcomeMail"]):
    pass


class WelcomeMail(OwedMail):
    """One for a subscription at most, ever: leaving and coming back is no reason to be welcomed twice."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        SKIPPED = "skipped", _("not sent")

    class Reason(models.TextChoices):
        """Why it was not sent."""

        SUPPRESSED = "suppressed", _("on the suppression list")
        LEFT = "left", _("left before it was sent")
        REFUSED = "refused", _("refused by the mail server")
        TOO_LATE = "too_late", _("no mail server took it in time")

    subscription = models.OneToOneField(
        Subscription, on_delete=models.CASCADE, related_name="welcome_mail", verbose_name=_("subscription")
    )
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.WAITING)
    skipped_reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    created_at = models.DateTimeField(_("at"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    objects = WelcomeMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("welcome mail")
        verbose_name_plural = _("welcome mails")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(status="waiting"), name="welcome_mail_waiting"),
            models.Index(fields=["sent_at"], condition=Q(status="sent"), name="welcome_mail_sent"),  # who had one today
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(status="sent") | Q(sent_at__isnull=False), name="welcome_sent_at"),
            models.CheckConstraint(
                condition=~Q(status="skipped") | ~Q(skipped_reason=""), name="welcome_skip_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.created_at:%Y-%m-%d}"

    def mark_mailed(self, now: datetime) -> bool:
        return transition(self, sources=["waiting"], to=self.Status.SENT, sent_at=now)


class WelcomeArticleQuerySet(models.QuerySet["WelcomeArticle"]):
    def holding(self) -> WelcomeArticleQuerySet:
        """What newcomers had, or are about to get, with their welcome: it counts as received.

        A welcome that is not sent after all holds nothing: its articles are owed again.
        """
        return self.filter(welcome_mail__status__in=[WelcomeMail.Status.WAITING, WelcomeMail.Status.SENT])


class WelcomeArticle(models.Model):
    """An article that a welcome mail shows, noted before a mail server is asked: no issue brings it again."""

    welcome_mail = models.ForeignKey(
        WelcomeMail, on_delete=models.CASCADE, related_name="items", verbose_name=_("welcome mail"), db_index=False
    )
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+", verbose_name=_("article"))
    position = models.PositiveSmallIntegerField()

    objects = WelcomeArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article in a welcome mail")
        verbose_name_plural = _("articles in welcome mails")
        ordering = ["welcome_mail", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["welcome_mail", "article"], name="one_item_per_welcome_and_article")
        ]

    def __str__(self) -> str:
        return str(self.article)
