"""How it gets out, once: campaigns, and the ledger of every send."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Exists, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_lazy as _

from newsletter.delivery.archived import ArchivedSends
from newsletter.delivery.batches import Batch, BatchQuerySet
from newsletter.delivery.foreseen import IssueOutlook
from newsletter.delivery.kept_mails import MailboxMessage
from newsletter.delivery.left_out import TransportOutage
from newsletter.delivery.speeds import BounceAlarm, SpeedBucket, SpeedLimit
from newsletter.delivery.warm_ups import WarmUp, WarmUpDay
from newsletter.digests.models import Edition, Issue
from newsletter.lib.transitions import transition
from newsletter.subscribers.models import Subscriber

# Django looks for models here
__all__ = [
    "ArchivedSends", "Batch", "BatchQuerySet", "BounceAlarm", "IssueOutlook", "MailboxMessage", "SpeedBucket",
    "SpeedLimit", "TransportOutage", "WarmUp", "WarmUpDay",
]  # fmt: skip

LONG_WITHOUT = timedelta(minutes=5)  # a mail, of a campaign that is on its way
SOON_AGAIN = timedelta(minutes=2)  # what waits for a server tries it again and again


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def sending(self) -> Self:
        return self.filter(status=Campaign.Status.SENDING).order_by("pk")

    def being_filled(self) -> Self:
        """Sending already, while the ledger is still being made."""
        return self.sending().filter(filled_to__isnull=False)

    def stuck(self, now: datetime) -> Self:
        """They try again and again, and no mail goes out: the server does not come back."""
        tries = Q(status=Campaign.Status.SENDING) | Q(status=Campaign.Status.PAUSED, resume_at__lt=now + SOON_AGAIN)
        return self.filter(tries, failing_since__lt=now - LONG_WITHOUT).order_by("-pk")

    def idle(self, now: datetime) -> Self:
        """There is work, and nothing comes of it: nobody takes it up, or who does dies.

        Each with ``last_sign_at``, when something last did. A speed limit lets a mail a minute go at least.
        """
        started = F("started_at")
        told = Tally.objects.filter(campaign=OuterRef("pk")).order_by().values("campaign").values(at=Max("minute"))
        signs = (Coalesce(each, started) for each in (Subquery(told), F("last_wave_at"), F("resumed_at")))
        has_work = Q(filled_to__isnull=False) | Exists(Batch.objects.filter(campaign=OuterRef("pk")))
        going = self.sending().filter(has_work).annotate(last_sign_at=Greatest(*signs))
        return going.filter(last_sign_at__lt=now - LONG_WITHOUT)

    def waiting_for_a_person(self) -> Self:
        """Stopped, by somebody or by an alarm, until a person lets them go on."""
        return self.filter(status=Campaign.Status.PAUSED, resume_at=None).order_by("pk")

    def being_taken_back(self) -> Self:
        """Nobody gets any of these mails: they are being deleted, and then the campaign is."""
        return self.filter(status=Campaign.Status.TAKEN_BACK).order_by("pk")


class Campaign(models.Model):
    """One issue on its way to its audience."""

    last_sign_at: datetime  # with CampaignQuerySet.idle

    class Status(models.TextChoices):
        SENDING = "sending", _("sending")
        PAUSED = "paused", _("paused")
        FINISHED = "finished", _("finished")
        CANCELLED = "cancelled", _("cancelled")
        TAKEN_BACK = "taken_back", _("being taken back")

    issue = models.OneToOneField(Issue, on_delete=models.PROTECT, related_name="campaign")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.SENDING)
    reason = models.CharField(_("reason"), max_length=300, blank=True, help_text=_("Why it is paused."))
    resume_at = models.DateTimeField(_("tries again"), null=True, blank=True, help_text="set when it paused by itself")
    failing_since = models.DateTimeField(
        null=True, editable=False, help_text="when it first paused by itself for something that does not work; "
        "null as soon as a server answers for a mail",
    )  # fmt: skip
    resumed_at = models.DateTimeField(null=True, editable=False, help_text="when it went on after its last pause")
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    next_wave_at = models.DateTimeField(
        _("next readers"), null=True, blank=True, help_text=_("When it is the next readers' own hour.")
    )
    coming_count = models.PositiveIntegerField(_("wait for their hour"), default=0)
    last_wave_at = models.DateTimeField(null=True, blank=True, editable=False)
    filled_to = models.BigIntegerField(
        null=True, editable=False,
        help_text="while the ledger is being made: the last reader who is in it; see filling.py",
    )  # fmt: skip
    filled_count = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="readers of the present wave who are in the ledger"
    )
    audience_count = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="readers of the present wave, as counted when it began"
    )
    plan_key = models.CharField(
        max_length=64, default="", db_default="", editable=False,
        help_text="SHA-256 of the articles and offers that the groups of readers were planned with",
    )  # fmt: skip
    repeat_count = models.PositiveIntegerField(
        default=0, db_default=0, editable=False,
        help_text="readers whose mail was accepted after an earlier one whose outcome nobody knows",
    )  # fmt: skip
    packed_to = models.BigIntegerField(default=0, editable=False, help_text="the last send that was put into a batch")
    forgotten_at = models.DateTimeField(_("detail forgotten"), null=True, blank=True, editable=False)
    archived_to = models.BigIntegerField(default=0, db_default=0, editable=False, help_text="see archiving.py")
    archived_at = models.DateTimeField(_("archived"), null=True, editable=False)
    brought_back_at = models.DateTimeField(null=True, editable=False, help_text="out of the archive, when last needed")

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
        values = {"reason": reason, "resume_at": resume_at, "failing_since": None}
        return transition(self, sources=["sending"], to=self.Status.PAUSED, **values)

    def wait(self, *, reason: str, resume_at: datetime, now: datetime) -> bool:
        """Pause until then because something does not work."""
        values = {"reason": reason, "resume_at": resume_at, "failing_since": self.failing_since or now}
        return transition(self, sources=["sending"], to=self.Status.PAUSED, **values)

    def note_answer(self) -> None:
        """A server has said of a mail what becomes of it, be it accepted, put off or refused."""
        self._set(type(self).objects.filter(pk=self.pk, failing_since__isnull=False), failing_since=None)

    def hold(self, *, reason: str) -> bool:
        """Claim nothing more until a person lets it go on: also where it paused itself and would go on by itself."""
        mine = type(self).objects.filter(pk=self.pk, status__in=[self.Status.SENDING, self.Status.PAUSED])
        mine = mine.exclude(status=self.Status.PAUSED, resume_at=None)
        return self._set(mine, status=self.Status.PAUSED, reason=reason, resume_at=None, failing_since=None)

    def note_repeats(self, count: int) -> None:
        """So many readers more may have got two copies."""
        type(self).objects.filter(pk=self.pk).update(repeat_count=F("repeat_count") + count)

    def resume(self, now: datetime) -> bool:
        return transition(self, sources=["paused"], to=self.Status.SENDING, reason="", resume_at=None, resumed_at=now)

    def resume_by_itself(self, now: datetime) -> bool:
        """It has waited long enough, and nobody has stopped it meanwhile."""
        mine = type(self).objects.filter(pk=self.pk, status=self.Status.PAUSED, resume_at__lte=now)
        return self._set(mine, status=self.Status.SENDING, reason="", resume_at=None, resumed_at=now)

    def cancel(self, now: datetime) -> bool:
        return transition(self, sources=["sending", "paused"], to=self.Status.CANCELLED, finished_at=now)

    def take_back(self) -> bool:
        """Claim and create nothing more, for ever: ``ending.py`` deletes it."""
        return transition(self, sources=["sending", "paused"], to=self.Status.TAKEN_BACK, next_wave_at=None)

    @property
    def dated_at(self) -> datetime:
        """When the latest readers had their turn: the date of their mails, and where their deadline begins."""
        return self.last_wave_at or self.started_at

    def expected(self, planned: int) -> int:
        """How many sends there will be: the ``planned`` ones, which are there, and those still being created."""
        if self.filled_to is None:
            return planned
        return max(planned + self.audience_count - self.filled_count, self.audience_count)

    def begin_wave(self, now: datetime) -> bool:
        """It is the next readers' turn. Of several callers exactly one gets True."""
        mine = type(self).objects.sending().filter(pk=self.pk, next_wave_at=self.next_wave_at, filled_to=None)
        values = {"next_wave_at": None, "last_wave_at": now, "filled_to": 0, "filled_count": 0, "plan_key": ""}
        return self.next_wave_at is not None and self._set(mine, **values)

    def note_filled(self, *, to: int | None, count: int) -> bool:
        """``count`` readers more are in the ledger, now all up to ``to``; None: the whole wave is.

        False if it was stopped meanwhile: they must not stay there then.
        """
        mine = type(self).objects.sending().filter(pk=self.pk, filled_to=self.filled_to)
        values = {"filled_to": to, "filled_count": self.filled_count + count, "plan_key": self.plan_key}
        return self._set(mine, **values)

    def _set(self, mine: models.QuerySet[Campaign], **values: Any) -> bool:
        """Set these, in the database and here, if it is still among ``mine``."""
        if not mine.update(**values):
            return False
        for name, value in values.items():
            setattr(self, name, value)
        return True

    def await_wave(self, at: datetime | None, coming_count: int) -> None:
        """``coming_count`` readers have their turn from ``at`` on; None if everybody had it."""
        self.next_wave_at, self.coming_count = at, coming_count
        self.save(update_fields=["next_wave_at", "coming_count"])

    def finish(self, now: datetime) -> bool:
        """Close the books if they balance: False while any send is open, is still to be made, or waits for its hour.

        That there is work is told at once by an index; that there is none, only the ledger itself may say.
        """
        if self.has_more_to_come() or self.sends.filter(status__in=Send.OPEN).exists():
            return False
        return transition(self, sources=["sending"], to=self.Status.FINISHED, finished_at=now)

    def has_more_to_come(self) -> bool:
        """Whether anything is held, waits for its time or is still to be made. Three queries, each by an index."""
        waiting = self.sends.filter(status=Send.Status.DEFERRED, next_attempt_at__isnull=False)
        return bool(self.filled_to is not None or self.next_wave_at or self.batches.exists() or waiting.exists())


CAPPED_TODAY = Q(status="deferred", reason="capped", attempt_count=0)  # a retry is not asked again


class SendQuerySet(models.QuerySet["Send"]):
    def due(self, now: datetime) -> Self:
        """Deferred, and their next attempt has come."""
        return self.filter(status=Send.Status.DEFERRED, next_attempt_at__lte=now).exclude(CAPPED_TODAY)

    def due_on_another_day(self, now: datetime) -> Self:
        """The day's cap held them back, and may let them go now: nobody else may have them sent."""
        return self.filter(CAPPED_TODAY, next_attempt_at__lte=now).order_by("pk")

    def holding(self) -> Self:
        """Sends whose articles the reader has, or is about to get: accepted by the relay, or still on their way.

        A send that fails or is cancelled holds nothing any more: its articles are owed again.
        """
        return self.sent_or_open().exclude(campaign__in=Campaign.objects.being_taken_back().order_by())

    def sent_or_open(self) -> Self:
        """The same for who has seen to it that no campaign that is being taken back is among them."""
        return self.filter(status__in=[Send.Status.SENT, *Send.OPEN])


class Send(models.Model):
    """The ledger: one campaign to one subscriber, and what became of it.

    A million rows come with one issue, so each index costs seconds, and so does each foreign key that the database
    checks itself (docs/benchmarks.md, "Selecting"). Rows are written in the readers' order, which keeps the index on
    them in step; one on the editions, each of which has readers everywhere, would be torn through for every row, so
    whoever asks for an edition's sends names its campaign. A row is written once more: with its outcome. No index has
    ``status`` or another column that a mail's acceptance changes, so PostgreSQL puts the new version beside the old one
    and touches no index (a HOT update). What a worker holds stands in ``Batch``, and no row says IN_FLIGHT. The keys
    are kept right here: nobody but ``audience.write_ledger`` makes rows, and deleting a reader, campaign or edition
    goes through the ORM. Where a reader is deleted at the very moment of a launch, the row names nobody: it is skipped
    as if they had left.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        IN_FLIGHT = "in_flight", _("in flight")  # for figures: no row has it
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
        UNKNOWN = "unknown", _("outcome unknown; not repeated again")
        RENDERING = "rendering", _("the edition could not be rendered")

    FAILED_REASONS = (Reason.REFUSED, Reason.BAD_ADDRESS, Reason.EXPIRED, Reason.UNKNOWN, Reason.RENDERING)

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="sends", db_index=False, db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="sends", db_index=False, db_constraint=False
    )
    edition = models.ForeignKey(
        Edition, on_delete=models.PROTECT, null=True, blank=True, related_name="sends", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("reason"), max_length=11, choices=Reason, blank=True)
    response = models.CharField(_("the server's words"), max_length=500, blank=True)
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    settled_at = models.DateTimeField(_("at"), null=True, blank=True)

    is_archived = False  # True where it was read from the archive: no page of the admin has it

    objects = SendQuerySet.as_manager()

    class Meta:
        verbose_name = _("send")
        verbose_name_plural = _("sends")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["campaign", "next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="send_waiting"
            ),
            models.Index(fields=["campaign", "id"], name="send_of_campaign"),  # its ledger, page by page
            models.Index(fields=["campaign", "id"], condition=~Q(reason=""), name="send_with_reason"),
            models.Index(
                fields=["campaign", "id"],
                condition=Q(reason__in=["refused", "bad_address", "expired", "unknown", "rendering"]),
                name="send_failed",
            ),
            models.Index(fields=["reason", "campaign", "id"], condition=~Q(reason=""), name="send_of_reason"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "campaign"], name="one_send_per_subscriber_and_campaign"),
            models.CheckConstraint(
                condition=~Q(status__in=["skipped", "failed"]) | ~Q(reason=""), name="unsent_has_reason"
            ),
            models.CheckConstraint(condition=~Q(status="in_flight"), name="what_is_in_flight_stands_in_its_batch"),
            models.CheckConstraint(
                condition=Q(status__in=["skipped", "failed"]) | Q(edition__isnull=False), name="mailed_send_has_edition"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.get_status_display()}"


class Tally(models.Model):
    """Attempts of a campaign in one minute to one group of mail domains ("" for all that are in none): tallies.py."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tallies", db_index=False)
    minute = models.DateTimeField()
    domain_group = models.CharField(max_length=60, blank=True)
    accepted = models.PositiveIntegerField(default=0)
    deferred = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "domain_group", "minute"], name="one_tally_per_group_and_minute"
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.domain_group} {self.minute:%H:%M}"
