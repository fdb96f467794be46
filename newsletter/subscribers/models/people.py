"""Subscribers, their subscriptions, and the addresses that must never be mailed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from newsletter.lib.addresses import address_hash, address_key
from newsletter.lib.tokens import Purpose, make_token
from newsletter.lib.transitions import transition
from newsletter.subscribers.models.newsletters import Cadence, Newsletter, TopicSet


def _no_import_any_more(row: Suppression | Subscriber | Subscription, options: dict[str, Any]) -> dict[str, Any]:
    """Options for ``save``: what somebody changes after an import is not taken back with it."""
    if row.pk is None or row.import_run_id is None:
        return options
    row.import_run_id = None
    names = options.get("update_fields")
    return options if names is None else {**options, "update_fields": [*names, "import_run"]}


class Suppression(models.Model):
    """An address that must never be mailed. After an erasure only its keyed hash is left."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("hard bounce")
        COMPLAINT = "complaint", _("complaint")
        ERASED = "erased", _("erased")
        BY_HAND = "by_hand", _("by hand")
        IMPORTED = "imported", _("imported")

    address_hash = models.CharField(max_length=64, unique=True, editable=False)
    email = models.CharField(_("e-mail address"), max_length=320, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=11, choices=Reason, default=Reason.BY_HAND, db_index=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("since"), db_default=Now(), editable=False, db_index=True)
    import_run = models.ForeignKey(  # no index: an import's rows lie together, and are walked by their ids
        "subscribers.ImportRun", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False,
        db_constraint=False,  # a mark, checked a million times for nothing: runs are never deleted
        help_text="the import that made this row, until anybody changes it",
    )  # fmt: skip

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppression list")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason="erased") | Q(email=""), name="erased_keeps_no_address"),
        ]

    def __str__(self) -> str:
        return self.email or str(_("erased person"))

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.email:
            self.address_hash = address_hash(self.email)
        super().save(*args, **_no_import_any_more(self, kwargs))


class SubscriberManager(models.Manager["Subscriber"]):
    @transaction.atomic(savepoint=False)
    def with_address(self, email: str, **defaults: str) -> Subscriber:
        """The one person behind this address, however it is spelled; made with ``defaults`` if there was none.

        Until the transaction ends nobody forgets them (see upkeep.py). The same statements are run whether there was
        one or not: how long a form takes must not tell.
        """
        key = address_key(email)
        held = self.select_for_update(no_key=True).filter(address_key=key)
        while True:
            person = Subscriber(email=email, address_key=key, address_hash=address_hash(email), **defaults)
            self.bulk_create([person], ignore_conflicts=True)
            if found := held.first():  # else they were forgotten between the two statements
                return found


class Subscriber(models.Model):
    """A person: one e-mail address. Erasing them deletes the row; what remains elsewhere is anonymous."""

    class Format(models.TextChoices):
        HTML = "html", _("with pictures and layout")
        TEXT = "text", _("plain text")

    email = models.CharField(_("e-mail address"), max_length=320)
    address_key = models.CharField(max_length=320, unique=True, editable=False)
    address_hash = models.CharField(max_length=64, editable=False)
    name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    format = models.CharField(_("format"), max_length=4, choices=Format, default=Format.HTML)
    link_version = models.PositiveSmallIntegerField(
        _("link to their page, so that older ones open nothing"), default=0, editable=False
    )
    allows_measuring = models.BooleanField(_("agreed to measuring opens and clicks"), default=False)
    labels = models.ManyToManyField(
        "subscribers.Label", blank=True, related_name="subscribers", verbose_name=_("labels")
    )
    created_at = models.DateTimeField(_("first signed up"), db_default=Now(), editable=False, db_index=True)
    import_run = models.ForeignKey(  # no index: an import's rows lie together, and are walked by their ids
        "subscribers.ImportRun", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False,
        db_constraint=False,  # a mark, checked a million times for nothing: runs are never deleted
        help_text="the import that made this row, until anybody changes it",
    )  # fmt: skip

    objects: ClassVar[SubscriberManager] = SubscriberManager()

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["id"], condition=Q(allows_measuring=True), name="subscriber_measured")]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.address_key = address_key(self.email)
        self.address_hash = address_hash(self.email)
        super().save(*args, **_no_import_any_more(self, kwargs))

    @property
    def preferences_token(self) -> str:
        return make_token(Purpose.PREFERENCES, self.pk, version=self.link_version)


class Weekday(models.IntegerChoices):
    """As ``datetime.date.weekday()`` counts."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def mailable(self) -> SubscriptionQuerySet:
        """Active and not on the suppression list: who may be mailed."""
        suppressed = Suppression.objects.filter(address_hash=models.OuterRef("subscriber__address_hash"))
        return self.filter(~models.Exists(suppressed), status=Subscription.Status.ACTIVE)

    def unconfirmed(self) -> SubscriptionQuerySet:
        """What a form that anybody may fill in can still change: never what is active or paused."""
        return self.filter(status__in=[Subscription.Status.PENDING, Subscription.Status.ENDED])


class Subscription(models.Model):
    """A subscriber's wish for one newsletter: pending until confirmed, active, paused, ended."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        ENDED = "ended", _("ended")

    subscriber = models.ForeignKey(  # no index: the unique constraint begins with it
        Subscriber, on_delete=models.CASCADE, related_name="subscriptions", db_index=False
    )
    newsletter = models.ForeignKey(Newsletter, on_delete=models.PROTECT, related_name="subscriptions", db_index=False)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING)
    cadence = models.CharField(_("cadence"), max_length=14, choices=Cadence, default=Cadence.DAILY)
    topic_set = models.ForeignKey(  # no index: nobody asks by it, and every subscription would pay for one
        TopicSet, on_delete=models.PROTECT, null=True, blank=True, related_name="subscriptions", db_index=False,
        verbose_name=_("topics"), help_text=_("None means all."),
    )  # fmt: skip
    # The reader's own hour and day, in their time zone. Asked for only where ``Newsletter.offers_delivery_time``.
    hour = models.PositiveSmallIntegerField(
        _("hour"), null=True, blank=True, help_text=_("0 to 23 in the reader's time zone; none means the newsletter's.")
    )
    weekday = models.PositiveSmallIntegerField(
        _("day of the week"), choices=Weekday, null=True, blank=True, help_text=_("None means the newsletter's.")
    )
    created_at = models.DateTimeField(_("signed up"), db_default=Now(), editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True, editable=False)
    imported_at = models.DateTimeField(_("imported"), null=True, blank=True, editable=False)
    paused_until = models.DateField(_("paused until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    ended_reason = models.CharField(_("reason"), max_length=20, blank=True, editable=False)
    import_run = models.ForeignKey(  # no index: an import's rows lie together, and are walked by their ids
        "subscribers.ImportRun", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False,
        db_constraint=False,  # a mark, checked a million times for nothing: runs are never deleted
        help_text="the import that made this row, until anybody changes it",
    )  # fmt: skip

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ["newsletter", "pk"]
        indexes = [
            models.Index(fields=["newsletter", "status", "cadence", "topic_set"], name="subscription_audience"),
            # The desk's lists, each in the order of an index: of a newsletter, of that with a status, of a status.
            models.Index(fields=["newsletter", "id"], name="subscription_newest"),
            models.Index(fields=["newsletter", "status", "id"], name="subscription_of_status"),
            models.Index(fields=["status", "id"], name="subscription_with_status"),
            models.Index(fields=["paused_until"], condition=Q(status="paused"), name="subscription_pause_ends"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "newsletter"], name="one_subscription_per_newsletter"),
            models.CheckConstraint(
                condition=~Q(status__in=["active", "paused"])
                | Q(confirmed_at__isnull=False)
                | Q(imported_at__isnull=False),  # a list that comes from elsewhere may not know the day
                name="active_has_confirmed_at",
            ),
            models.CheckConstraint(condition=~Q(status="ended") | Q(ended_at__isnull=False), name="ended_has_ended_at"),
            models.CheckConstraint(condition=Q(hour__isnull=True) | Q(hour__lte=23), name="hour_of_a_day"),
            models.CheckConstraint(condition=Q(weekday__isnull=True) | Q(weekday__lte=6), name="day_of_a_week"),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}: {self.get_status_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **_no_import_any_more(self, kwargs))

    @property
    def unsubscribe_token(self) -> str:
        """Never expires and survives every change of the row: a link in an old mail must keep working."""
        return make_token(Purpose.UNSUBSCRIBE, self.pk)

    def confirm(self, now: datetime) -> bool:
        """The reader used the link in the confirmation mail. False if it was active already."""
        cadence = self.newsletter.cadence_near(self.cadence)  # what was asked for may be offered no longer
        values = {"confirmed_at": now, "ended_at": None, "ended_reason": "", "cadence": cadence}
        return self._move(["pending"], self.Status.ACTIVE, **values)

    def reopen(self) -> bool:
        """Somebody asked for it again after it had ended; nothing is mailed until that is confirmed."""
        return self._move(["ended"], self.Status.PENDING)

    def close_unconfirmed(self) -> bool:
        """Nobody confirmed what ``reopen`` opened: it is as ended as it was before."""
        return bool(self.ended_at) and self._move(["pending"], self.Status.ENDED)

    def retract(self, now: datetime, *, reason: str) -> bool:
        """A wish that nobody has confirmed is taken back: it ends, and nobody has left. False if it was none."""
        return self._move(["pending"], self.Status.ENDED, ended_at=now, ended_reason=reason)

    def pause(self, *, until: object = None) -> bool:
        return self._move(["active"], self.Status.PAUSED, paused_until=until)

    def resume(self) -> bool:
        return self._move(["paused"], self.Status.ACTIVE, paused_until=None)

    def end(self, now: datetime, *, reason: str) -> bool:
        """The reader left, or mail to them must stop. False if it had ended before."""
        return self._move(["active", "paused"], self.Status.ENDED, ended_at=now, ended_reason=reason)

    def undo_end(self) -> bool:
        """The reader says that leaving was a slip. Only what had been confirmed comes back."""
        if not (self.confirmed_at or self.imported_at):
            return False
        cadence = self.newsletter.cadence_near(self.cadence)
        return self._move(["ended"], self.Status.ACTIVE, ended_at=None, ended_reason="", cadence=cadence)

    def _move(self, sources: Collection[str], to: str, **values: object) -> bool:
        return transition(self, sources=sources, to=to, **values, import_run_id=None)
