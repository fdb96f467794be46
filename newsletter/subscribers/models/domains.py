"""What the desk knows of mail domains that the packaged list of throw-away addresses does not."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class MailDomain(models.Model):
    """One entry of the desk's own list, which goes before the packaged one; it holds for subdomains as well."""

    class Verdict(models.TextChoices):
        REFUSED = "refused", _("takes no sign-ups")
        WELCOME = "welcome", _("is welcome, whatever other lists say")

    domain = models.CharField(_("domain"), max_length=253, unique=True)
    verdict = models.CharField(_("an address there"), max_length=7, choices=Verdict, default=Verdict.REFUSED)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("mail domain")
        verbose_name_plural = _("mail domains")
        ordering = ["domain"]

    def __str__(self) -> str:
        return self.domain

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.domain = self.domain.strip().lower().removeprefix("@").rstrip(".")
        super().save(*args, **kwargs)
