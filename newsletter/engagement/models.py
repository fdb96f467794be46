"""What came back: the events that readers, servers and providers report, and readers' answers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from newsletter.delivery.models import Send
from newsletter.digests.models import Issue, Link
from newsletter.subscribers.models import Subscriber


class Event(models.Model):
    """Something reported about a send, in anymail's vocabulary. Append-only; a repeated report is the same row."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered", _("delivered")
        DEFERRED = "deferred", _("deferred")
        BOUNCED = "bounced", _("bounced")
        REJECTED = "rejected", _("rejected")
        FAILED = "failed", _("failed")
        COMPLAINED = "complained", _("complained")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        OPENED = "opened", _("opened")
        CLICKED = "clicked", _("clicked")

    send = models.ForeignKey(Send, on_delete=models.SET_NULL, null=True, blank=True, related_name="events")
    link = models.ForeignKey(Link, on_delete=models.SET_NULL, null=True, blank=True, related_name="events")
    kind = models.CharField(_("event"), max_length=12, choices=Kind)
    source = models.CharField(_("reported by"), max_length=40)
    source_id = models.CharField(max_length=200, help_text="the reporter's own id of the event")
    address_hash = models.CharField(max_length=64, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["kind", "at"], name="event_kind"),
            models.Index(fields=["at"], condition=~Q(detail="") | ~Q(address_hash=""), name="event_with_detail"),
            models.Index(
                fields=["address_hash"], condition=Q(send=None) & ~Q(address_hash=""), name="event_without_send"
            ),
        ]
        constraints = [models.UniqueConstraint(fields=["source", "source_id"], name="one_event_per_report")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d}"


class Rating(models.Model):
    """What one reader thinks of one issue, the last that they said. It goes with the reader."""

    class Answer(models.TextChoices):
        YES = "yes", pgettext_lazy("answer", "Yes")
        PARTLY = "partly", pgettext_lazy("answer", "In part")
        NO = "no", pgettext_lazy("answer", "No")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="ratings", verbose_name=_("issue"))
    subscriber = models.ForeignKey(  # no index: the unique constraint begins with it
        Subscriber, on_delete=models.CASCADE, related_name="ratings", db_index=False
    )
    answer = models.CharField(_("answer"), max_length=6, choices=Answer)
    comment = models.CharField(_("in their own words"), max_length=1000, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("readers' answer")
        verbose_name_plural = _("readers' answers")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["at", "id"], name="rating_latest")]
        constraints = [models.UniqueConstraint(fields=["subscriber", "issue"], name="one_rating_per_reader_and_issue")]

    def __str__(self) -> str:
        return str(self.get_answer_display())
