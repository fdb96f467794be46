"""How it gets out, once: campaigns, and the ledger of every send."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from newsletter.digests.models import Edition, Issue
from newsletter.lib.transitions import transition
from newsletter.subscribers.models import Subscriber


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def sending(self) -> Self:
        return self.filter(status=Campaign.Status.SENDING).order_by("pk")


class Campaign(models.Model):
    """One issue on its way to its audience."""

    class Status(models.TextChoices):
        SENDING = "sending", _("sending")
        PAUSED = "paused", _("paused")
        FINISHED = "finished", _("finished")
        CANCELLED = "cancelled", _("cancelled")

    issue = models.OneToOneField(Issue, on_delete=models.PROTECT, related_name="campaign")
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.SENDING)
    reason = models.CharField(_("reason"), max_length=300, blank=True, help_text=_("Why it is paused."))
    resume_at = models.DateTimeField(_("tries again"), null=True, blank=True, help_text="set when it paused by itself")
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    next_wave_at = models.DateTimeField(
        _("next readers"), null=True, blank=True, help_text=_("When it is the next readers' own hour.")
    )
    coming_count = models.PositiveIntegerField(_("wait for their hour"), default=0)
    last_wave_at = models.DateTimeField(null=True, blank=True, editable=False)

    forgotten_at = models.DateTimeField(_("detail forgotten"), null=True, blank=True, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="finished") | Q(finished_at__isnull=False), name="finished_has_finished_at"
            ),
            models.CheckConstraint(condition=~Q(status="paused") | ~Q(reason=""), name="paused_campaign_has_reason"),
        ]

    def __str__(self) -> str:
        return str(self.issue)

    def pause(self, *, reason: str, resume_at: datetime | None = None) -> bool:
        """Claim nothing more. With ``resume_at`` the sweep goes on by itself then; without, a person must."""
        return transition(self, sources=["sending"], to=self.Status.PAUSED, reason=reason, resume_at=resume_at)

    def resume(self) -> bool:
        return transition(self, sources=["paused"], to=self.Status.SENDING, reason="", resume_at=None)

    def cancel(self, now: datetime) -> bool:
        return transition(self, sources=["sending", "paused"], to=self.Status.CANCELLED, finished_at=now)

    @property
    def dated_at(self) -> datetime:
        """When the latest readers had their turn: the date of their mails, and where their deadline begins."""
        return self.last_wave_at or self.started_at

    def begin_wave(self, now: datetime) -> bool:
        """It is the next readers' turn. Of several callers exactly one gets True."""
        mine = type(self).objects.sending().filter(pk=self.pk, next_wave_at=self.next_wave_at)
        if self.next_wave_at is None or not mine.update(next_wave_at=None, last_wave_at=now):
            return False
        self.next_wave_at, self.last_wave_at = None, now
        return True

    def await_wave(self, at: datetime | None, coming_count: int) -> None:
        """``coming_count`` readers have their turn from ``at`` on; None if everybody had it."""
        self.next_wave_at, self.coming_count = at, coming_count
        self.save(update_fields=["next_wave_at", "coming_count"])

    def finish(self, now: datetime) -> bool:
        """Close the books if they balance: False while any send is open, or readers wait for their hour."""
        if self.next_wave_at or self.sends.filter(status__in=Send.OPEN).exists():
            return False
        return transition(self, sources=["sending"], to=self.Status.FINISHED, finished_at=now)


class SendQuerySet(models.QuerySet["Send"]):
    def claimable(self, now: datetime) -> Self:
        """What a worker may take now: queued, or deferred and due again."""
        due = Q(status=Send.Status.QUEUED) | Q(status=Send.Status.DEFERRED, next_attempt_at__lte=now)
        return self.filter(due)

    def abandoned(self, now: datetime) -> Self:
        """In flight under a lease that has run out: the worker is gone and the outcome unknown."""
        return self.filter(status=Send.Status.IN_FLIGHT, lease_until__lt=now)

    def holding(self) -> Self:
        """Sends whose articles the reader has, or is about to get: accepted by the relay, or still on their way.

        A send that fails or is cancelled holds nothing any more: its articles are owed again.
        """
        return self.filter(status__in=[Send.Status.SENT, *Send.OPEN])


class Send(models.Model):
    """The ledger: one campaign to one subscriber, and what became of it.

    A million rows come with one issue, so each index costs seconds, and so does each foreign key that the database
    checks itself (docs/benchmarks.md, "Selecting"). Rows are written in the readers' order, which keeps the index on
    them in step, and are claimed in the order of the editions. The keys are kept right here: nobody but
    ``audience.write_ledger`` makes rows, and deleting a reader, campaign or edition goes through the ORM. Where a
    reader is deleted at the very moment of a launch, the row names nobody: it is skipped as if they had left.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        IN_FLIGHT = "in_flight", _("in flight")
        SENT = "sent", _("sent")
        DEFERRED = "deferred", _("deferred")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("skipped")

    OPEN = (Status.QUEUED, Status.IN_FLIGHT, Status.DEFERRED)

    class Reason(models.TextChoices):
        """Why somebody was skipped or a send failed."""

        NOTHING_NEW = "nothing_new", _("nothing new for them")
        TOO_FEW = "too_few", _("fewer articles than the minimum")
        SUPPRESSED = "suppressed", _("on the suppression list")
        CAPPED = "capped", _("had as many mails as one day may bring")
        LEFT = "left", _("left, paused or erased before hand-over")
        WITHDRAWN = "withdrawn", _("every article was withdrawn")
        CANCELLED = "cancelled", _("campaign cancelled")
        REFUSED = "refused", _("refused by the server for good")
        BAD_ADDRESS = "bad_address", _("the address does not exist")
        EXPIRED = "expired", _("not accepted before the deadline")
        UNKNOWN = "unknown", _("outcome unknown twice; not repeated again")
        RENDERING = "rendering", _("the edition could not be rendered")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="sends", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="sends", db_index=False, db_constraint=False
    )
    edition = models.ForeignKey(
        Edition, on_delete=models.PROTECT, null=True, blank=True, related_name="sends", db_constraint=False
    )
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("reason"), max_length=11, choices=Reason, blank=True)
    response = models.CharField(_("the server's words"), max_length=500, blank=True)
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    lease = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    settled_at = models.DateTimeField(_("at"), null=True, blank=True)

    objects = SendQuerySet.as_manager()

    class Meta:
        verbose_name = _("send")
        verbose_name_plural = _("sends")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["campaign", "status", "next_attempt_at", "edition"],
                condition=Q(status__in=["queued", "in_flight", "deferred"]),
                name="send_open",
            ),
            models.Index(fields=["campaign", "id"], name="send_of_campaign"),  # its ledger, page by page
            models.Index(
                fields=["status", "campaign", "id"], condition=Q(status__in=["failed", "skipped"]), name="send_unsent"
            ),
            models.Index(
                fields=["reason", "campaign", "id"], condition=Q(status__in=["failed", "skipped"]), name="send_reason"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "campaign"], name="one_send_per_subscriber_and_campaign"),
            models.CheckConstraint(
                condition=~Q(status__in=["skipped", "failed"]) | ~Q(reason=""), name="unsent_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(status="in_flight") | Q(lease_until__isnull=False), name="in_flight_has_lease"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["skipped", "failed"]) | Q(edition__isnull=False), name="mailed_send_has_edition"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.get_status_display()}"


class IssueOutlook(models.Model):
    """What an issue's run would be as the worker last worked it out: no page can wait for a million readers."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="outlook")
    version = models.PositiveIntegerField(help_text="of the issue")
    forecast = models.JSONField()
    took_seconds = models.FloatField(default=0.0)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue}: {self.made_at:%Y-%m-%d %H:%M}"


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
