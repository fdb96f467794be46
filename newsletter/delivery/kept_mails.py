"""Mails that stay here."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class MailboxMessage(models.Model):
    """A mail in the built-in mailbox, where mail goes while no mail server is configured."""

    recipient = models.CharField(_("to"), max_length=320, db_index=True)
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    raw = models.BinaryField(_("source"))
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("message in the mailbox")
        verbose_name_plural = _("mailbox")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.subject
