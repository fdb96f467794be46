"""Uses of the sign-up forms, and the confirmation mails that they led to."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.tokens import Purpose, make_token
from newsletter.lib.transitions import transition
from newsletter.subscribers.models.owed import OwedMail, OwedMailQuerySet
from newsletter.subscribers.models.people import Subscriber, Subscription


class SignUpQuerySet(OwedMailQuerySet["SignUp"]):
    pass


class SignUp(OwedMail):
    """One use of a sign-up form. Its link, once mailed, confirms exactly what was asked for here, once."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("mail waiting")
        MAILED = "mailed", _("mailed")
        SKIPPED = "skipped", _("not mailed")
        CONFIRMED = "confirmed", _("confirmed")

    class Reason(models.TextChoices):
        """Why no mail went out."""

        SUPPRESSED = "suppressed", _("on the suppression list")
        TOO_SOON = "too_soon", _("had one within a day")
        TOO_MANY = "too_many", _("had three within thirty days")
        REFUSED = "refused", _("refused by the server for good")
        EXPIRED = "expired", _("not accepted in time")
        NOTHING = "nothing", _("asked for a mail, with nothing waiting")

    TOO_EARLY = "asked for again within ten minutes of the first mail"
    PUT_OFF = (OwedMail.HELD_BACK, TOO_EARLY)  # responses of our own

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="sign_ups")
    subscriptions = models.ManyToManyField(Subscription, related_name="sign_ups", blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.WAITING)
    skipped_reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    is_asked_again = models.BooleanField(_("asked for a second mail"), default=False)
    is_unproven = models.BooleanField(_("without the proof of work that was asked for"), default=False)
    asks_measuring = models.BooleanField(
        _("ticked that opens and clicks may be measured"), default=False, db_default=False
    )
    page_url = models.CharField(_("page"), max_length=1000, blank=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    is_ip_cut = models.BooleanField(_("IP address shortened"), default=False)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("at"))
    expires_at = models.DateTimeField(_("link expires"))
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    objects = SignUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["status"], condition=Q(status="waiting"), name="sign_up_waiting"),
            models.Index(fields=["status", "skipped_reason"], name="sign_up_outcome"),
            models.Index(fields=["created_at"], name="sign_up_created_at"),
            models.Index(
                fields=["is_ip_cut", "created_at"],
                condition=Q(ip_address__isnull=False) | ~Q(user_agent=""),
                name="sign_up_with_traces",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="confirmed") | Q(confirmed_at__isnull=False), name="sign_up_confirmed_at"
            ),
            models.CheckConstraint(
                condition=~Q(status="skipped") | ~Q(skipped_reason=""), name="sign_up_skip_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.created_at:%Y-%m-%d}"

    @property
    def token(self) -> str:
        return make_token(Purpose.CONFIRM, self.pk)

    def mark_mailed(self, now: datetime) -> bool:
        return transition(self, sources=["waiting"], to=self.Status.MAILED, mailed_at=now)

    def confirm(self, now: datetime) -> bool:
        """Use the link up. False if it was used before."""
        return transition(self, sources=["waiting", "mailed"], to=self.Status.CONFIRMED, confirmed_at=now)


def counted_for(row: OwedMail) -> dict[str, OwedMail]:
    """By which of its fields a ConfirmationMail belongs to this row."""
    return {"sign_up" if isinstance(row, SignUp) else "personal_mail": row}


class ConfirmationMailQuerySet(models.QuerySet["ConfirmationMail"]):
    def to_address(self, address_hash: str, *, since: datetime) -> ConfirmationMailQuerySet:
        return self.filter(address_hash=address_hash, at__gt=since)

    def besides(self, row: OwedMail) -> ConfirmationMailQuerySet:
        """All but the one that was counted for this sign-up or personal mail."""
        return self.exclude(**counted_for(row))

    def unproven(self) -> ConfirmationMailQuerySet:
        """For forms that came without the proof of work that was asked for."""
        return self.filter(Q(sign_up__is_unproven=True) | Q(personal_mail__is_unproven=True))


class ConfirmationMail(models.Model):
    """A mail to an address that anybody may have typed, counted for the limits of one a day and three in thirty days.

    Confirmations are such mails, links to one's own page, and questions to a new address. It is a table of its own
    because sign-ups are deleted when they expire, and the count must outlive them: else waiting a week would give an
    attacker three more mails. It holds no address, only the keyed hash.
    """

    address_hash = models.CharField(max_length=64)
    sign_up = models.OneToOneField(SignUp, on_delete=models.SET_NULL, null=True, related_name="confirmation_mail")
    personal_mail = models.OneToOneField(
        "subscribers.PersonalMail", on_delete=models.SET_NULL, null=True, related_name="confirmation_mail"
    )
    at = models.DateTimeField(_("at"))

    objects = ConfirmationMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("confirmation mail")
        verbose_name_plural = _("confirmation mails")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["address_hash", "at"], name="confirmation_mail_address"),
            models.Index(fields=["at"], name="confirmation_mail_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}"
