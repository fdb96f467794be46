"""Where this database is at home."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class LiveSite(models.Model):
    """The one row says from where the readers are mailed, so that a copy and an old backup know what they are."""

    host = models.CharField(_("host"), max_length=255, help_text="of SITE_URL")
    lived_until = models.DateTimeField(_("lived until"), help_text="kept outside of the database as well")
    forgotten_until = models.DateTimeField(
        _("forgotten until"),
        null=True,
        help_text="set when the database proves older: what happened up to then is lost",
    )

    class Meta:
        verbose_name = _("live site")
        verbose_name_plural = _("live site")

    def __str__(self) -> str:
        return self.host

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)
