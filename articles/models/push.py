"""News that a hub pushes to us (WebSub): what we asked for, and what came."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from articles.models.feeds import Feed


def new_secret() -> str:
    return secrets.token_urlsafe(32)


class PushQuerySet(models.QuerySet["PushSubscription"]):
    def due(self, now: datetime) -> PushQuerySet:
        """What the hub is to be asked for now: for the first time, again, or no longer."""
        return self.filter(next_request_at__lte=now).order_by("next_request_at", "pk")


class PushSubscription(models.Model):
    """That a hub tells us at once what is new in a feed. Without it, or when it fails, the feed is polled as ever."""

    class Status(models.TextChoices):
        ASKED = "asked", _("asked for")
        ACTIVE = "active", _("active")
        REFUSED = "refused", _("refused by the hub")
        ENDING = "ending", _("ending")

    feed = models.OneToOneField(Feed, on_delete=models.CASCADE, related_name="push")
    hub_url = models.URLField(max_length=1000)
    topic_url = models.URLField(max_length=1000)
    token = models.CharField(max_length=43, unique=True, default=new_secret, help_text="the end of our own address")
    secret = models.CharField(max_length=43, default=new_secret, help_text="what the hub signs its deliveries with")
    status = models.CharField(_("push"), max_length=8, choices=Status, default=Status.ASKED)
    next_request_at = models.DateTimeField(null=True, db_index=True, help_text="when to ask the hub; null is never")
    failure_count = models.PositiveIntegerField(default=0)
    lease_ends_at = models.DateTimeField(_("agreed until"), null=True)
    last_delivery_at = models.DateTimeField(_("last delivery"), null=True)
    last_error = models.TextField(blank=True)

    objects = PushQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.feed}: {self.get_status_display()}"

    def delivers(self, now: datetime) -> bool:
        return self.status == self.Status.ACTIVE and self.lease_ends_at is not None and self.lease_ends_at > now


class PushDelivery(models.Model):
    """A signed document that waits to be imported."""

    subscription = models.ForeignKey(PushSubscription, on_delete=models.CASCADE, related_name="deliveries")
    body = models.BinaryField()
    content_type = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["received_at", "pk"]

    def __str__(self) -> str:
        return f"{self.subscription}: {self.received_at}"
