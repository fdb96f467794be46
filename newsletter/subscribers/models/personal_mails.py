"""Mails about a person's own record that somebody is owed: the database is their queue."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.transitions import transition
from newsletter.subscribers.models.address_changes import AddressChange
from newsletter.subscribers.models.owed import OwedMail, OwedMailQuerySet
from newsletter.subscribers.models.people import Subscriber


class PersonalMailQuerySet(OwedMailQuerySet["PersonalMail"]):
    pass


class PersonalMail(OwedMail):
    """A mail that is owed to an address because somebody asked, and what became of it.

    The address stands here only until the mail is settled: whoever types an address into "send me my link" may have
    typed a stranger's. ``ASKED`` are the kinds that go to whomever somebody names.
    """

    class Kind(models.TextChoices):
        MY_LINK = "my_link", _("link to the preferences")
        CONFIRM_ADDRESS = "confirm_address", _("confirm a new address")
        ADDRESS_CHANGED = "address_changed", _("notice of a new address")
        LOWERED = "lowered", _("notice of a rarer cadence")
        STILL_INTERESTED = "still_interested", _("question whether they still want it")
        NEW_LINK = "new_link", _("new link, older ones useless")

    ASKED = frozenset({Kind.MY_LINK.value, Kind.CONFIRM_ADDRESS.value})

    class Status(models.TextChoices):
        WAITING = "waiting", _("mail waiting")
        MAILED = "mailed", _("mailed")
        SKIPPED = "skipped", _("not mailed")

    class Reason(models.TextChoices):
        """Why no mail went out."""

        UNKNOWN = "unknown", _("nobody here has this address")
        SUPPRESSED = "suppressed", _("on the suppression list")
        TOO_SOON = "too_soon", _("had one within a day")
        TOO_MANY = "too_many", _("had three within thirty days")
        REFUSED = "refused", _("refused by the server for good")
        EXPIRED = "expired", _("not accepted in time")
        NOTHING = "nothing", _("nothing left to tell")

    kind = models.CharField(_("mail"), max_length=16, choices=Kind)
    email = models.CharField(_("e-mail address"), max_length=320, blank=True, help_text="emptied once it is settled")
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, blank=True, related_name="personal_mails",
        verbose_name=_("subscriber"), help_text="whose record it is about; the worker finds out who asked",
    )  # fmt: skip
    is_unproven = models.BooleanField(
        _("without the proof of work that was asked for"), default=False, db_default=False
    )
    change = models.ForeignKey(AddressChange, on_delete=models.CASCADE, null=True, blank=True, related_name="mails")
    status = models.CharField(_("status"), max_length=7, choices=Status, default=Status.WAITING)
    skipped_reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    created_at = models.DateTimeField(_("asked for"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = PersonalMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("personal mail")
        verbose_name_plural = _("personal mails")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["status"], condition=Q(status="waiting"), name="personal_mail_waiting")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="waiting") | Q(email="", settled_at__isnull=False),
                name="settled_mail_no_address",
            ),
            models.CheckConstraint(
                condition=~Q(status="skipped") | ~Q(skipped_reason=""), name="personal_mail_skip_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_status_display()}"

    def mark_mailed(self, now: datetime) -> bool:
        return transition(self, sources=["waiting"], to=self.Status.MAILED, **self.forgotten(now))

    def forgotten(self, now: datetime) -> dict[str, object]:
        """The address, and the server's words, which may name it."""
        return {"email": "", "response": "", "settled_at": now}
