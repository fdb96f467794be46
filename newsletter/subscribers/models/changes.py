"""What was changed about a reader, by whom, from what to what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models.newsletters import Newsletter
from newsletter.subscribers.models.people import Subscriber


class Change(models.Model):
    """One field of a reader or of one of their subscriptions took another value. Append-only; erased with the person.

    ``field`` is the model field's name. The values are those of the database, short words and numbers; of what
    somebody wrote freely (a name, an address) only the fact of the change is kept, and both values are empty.
    """

    class By(models.TextChoices):
        READER = "reader", _("the reader, by their link")
        EDITOR = "editor", _("an editor")
        IMPORT = "import", _("an import")
        SILENT = "silent", _("nobody, after a long silence")

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="changes", db_index=False)
    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("newsletter")
    )
    by = models.CharField(_("by"), max_length=6, choices=By)
    editor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("editor")
    )
    field = models.CharField(_("what"), max_length=40)
    before = models.CharField(_("before"), max_length=500, blank=True)
    after = models.CharField(_("after"), max_length=500, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["subscriber", "-at"], name="change_of_subscriber")]

    def __str__(self) -> str:
        return f"{self.field} {self.at:%Y-%m-%d}"
