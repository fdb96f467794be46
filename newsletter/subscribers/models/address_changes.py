"""A reader's move from one address to another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.tokens import Purpose, make_token
from newsletter.lib.transitions import transition
from newsletter.subscribers.models.people import Subscriber

UNDO_PERIOD = timedelta(days=7)


class AddressChange(models.Model):
    """Asked for behind the signed link, made at the new address, and to be undone from the old one for seven days."""

    class Status(models.TextChoices):
        ASKED = "asked", _("asked for")
        DONE = "done", _("done")
        UNDONE = "undone", _("undone")
        DROPPED = "dropped", _("dropped")

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="address_changes")
    old_email = models.CharField(_("old address"), max_length=320)
    new_email = models.CharField(_("new address"), max_length=320)
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.ASKED)
    created_at = models.DateTimeField(_("asked for"))
    expires_at = models.DateTimeField(_("link expires"))
    changed_at = models.DateTimeField(_("done"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    objects: ClassVar[models.Manager[AddressChange]] = models.Manager()

    class Meta:
        verbose_name = _("change of address")
        verbose_name_plural = _("changes of address")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status__in=["done", "undone"]) | Q(changed_at__isnull=False), name="change_has_changed_at"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.created_at:%Y-%m-%d}"

    @property
    def confirm_token(self) -> str:
        return make_token(Purpose.CHANGE_ADDRESS, self.pk)

    @property
    def undo_token(self) -> str:
        return make_token(Purpose.UNDO_ADDRESS, self.pk)

    def may_be_made(self, now: datetime) -> bool:
        return self.status == self.Status.ASKED and now < self.expires_at

    def may_be_undone(self, now: datetime) -> bool:
        """Is this the person's latest move, and no more than seven days old?"""
        return self.status == self.Status.DONE and self.changed_at is not None and now < self.changed_at + UNDO_PERIOD

    def make(self, now: datetime) -> bool:
        return transition(self, sources=["asked"], to=self.Status.DONE, changed_at=now)

    def undo(self, now: datetime) -> bool:
        return transition(self, sources=["done"], to=self.Status.UNDONE, undone_at=now)

    def drop(self) -> bool:
        """Another change has taken its place, or it was cancelled from the old address."""
        return transition(self, sources=["asked"], to=self.Status.DROPPED)
