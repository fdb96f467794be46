"""Lists that were brought in: what was done with which file, what it refused, and how to take it back."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.transitions import transition
from newsletter.subscribers.models.newsletters import Newsletter

LEASE = timedelta(seconds=60)  # renewed with every chunk, which takes a second or two
MOST_ATTEMPTS = 5  # in a row without getting any further
HEAD_START = timedelta(seconds=15)  # the doorbell has rung, or a command takes its next turn at once
UNDO_PERIOD = timedelta(days=1)


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def working(self) -> ImportRunQuerySet:
        return self.filter(status__in=ImportRun.WORKING)

    def free(self, now: datetime) -> ImportRunQuerySet:
        """What a worker may go on with: nobody has it, or whoever had it is gone."""
        return self.working().filter(Q(leased_until=None) | Q(leased_until__lte=now)).order_by("pk")

    def abandoned(self, now: datetime) -> ImportRunQuerySet:
        """What somebody should have gone on with by now."""
        return self.free(now - HEAD_START)

    def with_needless_file(self, now: datetime) -> ImportRunQuerySet:
        """Ended, or left alone for so long that its file must go."""
        is_left_alone = Q(status__in=ImportRun.WAITING, created_at__lte=_retention_cutoff(now))
        return self.filter(Q(status__in=ImportRun.OVER) | is_left_alone, files_deleted_at=None)

    def with_old_refusals(self, now: datetime) -> ImportRunQuerySet:
        """What it refused holds addresses, and nobody has mended it by now."""
        refused = ImportRefusal.objects.filter(run=OuterRef("pk"))
        return self.filter(Exists(refused), created_at__lte=_retention_cutoff(now))


def _retention_cutoff(now: datetime) -> datetime:
    return now - timedelta(days=settings.IMPORT_FILE_DAYS)


class ImportRun(models.Model):
    """One file on its way into the list: looked at, asked about, run, and for a day taken back at will."""

    class Status(models.TextChoices):
        CHECKING = "checking", _("being looked at")
        ASKING = "asking", _("has questions")
        READY = "ready", _("ready to start")
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")
        UNDOING = "undoing", _("being taken back")
        UNDONE = "undone", _("taken back")

    WAITING = (Status.ASKING, Status.READY)
    OVER = (Status.FINISHED, Status.CANCELLED, Status.FAILED, Status.UNDOING, Status.UNDONE)
    WORKING = (Status.CHECKING, Status.RUNNING, Status.UNDOING)

    folder = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.CHECKING)
    file_name = models.CharField(_("file"), max_length=200)
    parts = models.JSONField(default=list, help_text="the tables of the file: see importing/parts.py")
    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("newsletter")
    )
    ground = models.CharField(_("how these people agreed"), max_length=500, blank=True)
    confirms_missing_consent = models.BooleanField(_("ask those without a date of consent"), default=False)
    mapping = models.JSONField(default=dict, help_text="column -> field, where the editor knows better")
    answers = models.JSONField(default=dict, help_text="word -> meaning, and list -> newsletter")
    questions = models.JSONField(default=list, help_text="words that nobody has explained yet")
    labels = models.JSONField(default=dict, help_text="labels or tags in the file, and how many rows have each")
    brings_labels = models.BooleanField(_("put its labels on the readers"), default=False)
    sample = models.JSONField(default=list, help_text="the first rows as they were understood")
    forecast = models.JSONField(default=dict, help_text="counts of the dry run")
    counts = models.JSONField(default=dict, help_text="counts of the run")
    part_number = models.PositiveSmallIntegerField(default=0)
    offset = models.PositiveBigIntegerField(default=0, help_text="bytes of that part that are done")
    line = models.PositiveBigIntegerField(default=0, help_text="lines of that part that are done")
    record_count = models.PositiveBigIntegerField(_("rows done"), default=0)
    total_count = models.PositiveBigIntegerField(_("rows"), default=0)
    error = models.CharField(_("what is wrong"), max_length=500, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("brought in"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    files_deleted_at = models.DateTimeField(_("file deleted"), null=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_working(self) -> bool:
        return self.status in self.WORKING

    @property
    def percent(self) -> int:
        """How far the present work is, from 0 to 100."""
        size = sum(part["size"] for part in self.parts)
        done = sum(part["size"] for part in self.parts[: self.part_number]) + self.offset
        return min(100, done * 100 // size) if size else 0

    def may_be_undone(self, now: datetime) -> bool:
        stopped = self.status in {self.Status.FINISHED, self.Status.CANCELLED, self.Status.FAILED}
        return stopped and self.started_at is not None and now - (self.ended_at or self.started_at) <= UNDO_PERIOD

    def claim(self, now: datetime) -> bool:
        """Take the work for a while. Of several workers exactly one gets True."""
        free = type(self).objects.filter(pk=self.pk).free(now)
        claimed = free.update(leased_until=now + LEASE, attempt_count=F("attempt_count") + 1)
        if claimed:
            self.refresh_from_db()
        return bool(claimed)

    def release(self, now: datetime) -> None:
        """Let the next worker go on at once."""
        type(self).objects.filter(pk=self.pk, leased_until=self.leased_until).update(leased_until=now)

    def check_again(self, now: datetime) -> bool:
        """Look at the file anew, because a question was answered or a column means something else."""
        emptied = {"forecast": {}, "questions": [], "sample": [], "labels": {}, "total_count": 0, "error": ""}
        values = {**_BEGINNING, **emptied, "leased_until": now}
        return transition(self, sources=["asking", "ready"], to=self.Status.CHECKING, **values)

    def settle(self) -> bool:
        """It has been looked at: there are questions, or it can be started."""
        to = self.Status.ASKING if self.questions else self.Status.READY
        return transition(self, sources=["checking"], to=to, leased_until=None)

    def start(self, now: datetime, *, brings_labels: bool = False) -> bool:
        values = {**_BEGINNING, "leased_until": now, "started_at": now, "counts": {}, "brings_labels": brings_labels}
        return transition(self, sources=["ready"], to=self.Status.RUNNING, **values)

    def finish(self, now: datetime) -> bool:
        return transition(self, sources=["running"], to=self.Status.FINISHED, ended_at=now, leased_until=None)

    def cancel(self, now: datetime) -> bool:
        """Stop. What has been done stays done until somebody takes it back."""
        sources = ["checking", "asking", "ready", "running"]
        return transition(self, sources=sources, to=self.Status.CANCELLED, ended_at=now, leased_until=None)

    def fail(self, now: datetime, *, error: str) -> bool:
        values = {"ended_at": now, "error": error[:500], "leased_until": None}
        return transition(self, sources=["checking", "running"], to=self.Status.FAILED, **values)

    def undo(self, now: datetime) -> bool:
        """Begin to take back what it did. False if that is not possible any more."""
        if not self.may_be_undone(now):
            return False
        values = {**_BEGINNING, "leased_until": now}
        return transition(self, sources=["finished", "cancelled", "failed"], to=self.Status.UNDOING, **values)

    def finish_undoing(self, now: datetime) -> bool:
        return transition(self, sources=["undoing"], to=self.Status.UNDONE, ended_at=now, leased_until=None)


_BEGINNING: dict[str, object] = {
    "part_number": 0, "offset": 0, "line": 0, "record_count": 0, "attempt_count": 0,
}  # fmt: skip


class ImportRefusal(models.Model):
    """A row that could not be taken, to be mended and brought in again. Deleted with the file."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="refusals")
    part_number = models.PositiveSmallIntegerField()
    line = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=300)
    cells = models.JSONField(default=list, help_text="the row as it stood in the file")
    address_hash = models.CharField(max_length=64, blank=True, help_text="whose row it is, so that erasing finds it")

    class Meta:
        verbose_name = _("refused row")
        verbose_name_plural = _("refused rows")
        ordering = ["pk"]
        indexes = [models.Index(fields=["address_hash"], name="refusal_of_address")]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"


class ImportChange(models.Model):
    """What an import changed in a row that was there before, so that it can be taken back."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="changes")
    subscriber = models.ForeignKey("subscribers.Subscriber", on_delete=models.CASCADE, related_name="+")
    subscription = models.ForeignKey("subscribers.Subscription", on_delete=models.CASCADE, null=True, related_name="+")
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        verbose_name = _("change by an import")
        verbose_name_plural = _("changes by imports")
        ordering = ["pk"]

    def __str__(self) -> str:
        return ", ".join(self.after)
