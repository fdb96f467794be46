"""Proof of who agreed to be measured, and in which words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models.consent import ConsentRecord
from newsletter.subscribers.models.people import Subscriber


class MeasuringConsent(models.Model):
    """A reader agreed that opens and clicks are measured, or took it back. It is of no newsletter: one tick is for all.

    Append-only, like ConsentRecord. When a person is erased, only the keyed hash of the address remains.
    """

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="measuring_consents",
        verbose_name=_("subscriber"),
    )  # fmt: skip
    address_hash = models.CharField(max_length=64)
    action = models.CharField(_("consent"), max_length=9, choices=ConsentRecord.Action)
    method = models.CharField(_("how"), max_length=11, choices=ConsentRecord.Method)
    words = models.TextField(_("wording"), help_text=_("as it stood beside the tick, in the reader's language"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("consent to measuring")
        verbose_name_plural = _("consents to measuring")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.at:%Y-%m-%d}"
