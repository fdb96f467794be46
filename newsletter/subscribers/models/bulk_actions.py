"""What the desk did to many at once: to whom, how far it is, and how to take it back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.transitions import transition

LEASE = timedelta(seconds=60)  # renewed with every part, which takes a second or two
MOST_ATTEMPTS = 5  # in a row without getting any further
HEAD_START = timedelta(seconds=15)  # the doorbell has rung, or the page that began it is at work
UNDO_PERIOD = timedelta(days=1)


class BulkActionQuerySet(models.QuerySet["BulkAction"]):
    def working(self) -> BulkActionQuerySet:
        return self.filter(status__in=BulkAction.WORKING)

    def free(self, now: datetime) -> BulkActionQuerySet:
        """What a worker may go on with: nobody has it, or whoever had it is gone."""
        return self.working().filter(leased_until__lte=now).order_by("pk")

    def past_undoing(self, now: datetime) -> BulkActionQuerySet:
        """Ended so long ago that nobody can take it back: to whom it happened can be forgotten."""
        return self.exclude(status__in=BulkAction.WORKING).filter(ended_at__lte=now - 2 * UNDO_PERIOD)


class BulkAction(models.Model):
    """One thing done to everybody who was selected when an editor said yes; for a day it can be taken back.

    ``values`` are the answers to what was asked, by name: numbers of rows and the words of a note, never an address.
    ``criteria`` may be a search for one, and is emptied as soon as everybody is looked up.
    """

    class Kind(models.TextChoices):
        LABEL = "label", _("add a label")
        UNLABEL = "unlabel", _("remove a label")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribe from a newsletter")
        SUPPRESS = "suppress", _("never mail again")
        ERASE = "erase", _("erase for good")
        PAUSE = "pause", _("pause subscriptions")
        RESUME = "resume", _("resume subscriptions")
        END = "end", _("end subscriptions")
        LOWER = "lower", _("lower to the usual cadence")

    class Status(models.TextChoices):
        CHOOSING = "choosing", _("looking up who is meant")
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")
        UNDOING = "undoing", _("being taken back")
        UNDONE = "undone", _("taken back")

    WORKING = (Status.CHOOSING, Status.RUNNING, Status.UNDOING)
    FINAL = frozenset({Kind.ERASE.value})  # what cannot be taken back

    kind = models.CharField(_("action"), max_length=11, choices=Kind)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RUNNING)
    values = models.JSONField(default=dict)
    criteria = models.JSONField(default=dict, db_default={}, help_text="who is meant, until that is looked up")
    about = models.CharField(_("about"), max_length=300, blank=True, help_text="the label's or newsletter's name")
    total_count = models.PositiveIntegerField(_("selected"), default=0)
    seen_count = models.PositiveIntegerField(_("done"), default=0)
    changed_count = models.PositiveIntegerField(_("changed"), default=0)
    undone_count = models.PositiveIntegerField(_("taken back"), default=0)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("at"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = BulkActionQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["choosing", "running", "undoing"]) | Q(ended_at__isnull=False),
                name="bulk_action_ended_at",
            ),
        ]

    def __str__(self) -> str:
        kind = str(self.get_kind_display())
        return f"{kind}: {self.about}" if self.about else kind

    @property
    def is_working(self) -> bool:
        return self.status in self.WORKING

    @property
    def is_choosing(self) -> bool:
        return self.status == self.Status.CHOOSING

    @property
    def percent(self) -> int:
        """How far the present work is, from 0 to 100."""
        if self.status == self.Status.UNDOING:
            return min(100, self.undone_count * 100 // self.changed_count) if self.changed_count else 0
        return min(100, self.seen_count * 100 // self.total_count) if self.total_count else 0

    def may_be_undone(self, now: datetime) -> bool:
        has_ended = self.status in {self.Status.FINISHED, self.Status.STOPPED, self.Status.FAILED}
        is_recent = self.ended_at is not None and now - self.ended_at <= UNDO_PERIOD
        return has_ended and is_recent and self.kind not in self.FINAL and self.changed_count > 0

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

    def run(self) -> bool:
        """Everybody who is meant has been looked up: now it happens."""
        return transition(self, sources=["choosing"], to=self.Status.RUNNING, criteria={})

    def finish(self, now: datetime) -> bool:
        """Nothing is left to do, or to take back."""
        to = self.Status.UNDONE if self.status == self.Status.UNDOING else self.Status.FINISHED
        return transition(self, sources=[self.status], to=to, ended_at=now)

    def stop(self, now: datetime) -> bool:
        """What has been done stays done until somebody takes it back."""
        return transition(self, sources=["choosing", "running"], to=self.Status.STOPPED, ended_at=now, criteria={})

    def fail(self, now: datetime) -> bool:
        return transition(self, sources=self.WORKING, to=self.Status.FAILED, ended_at=now, criteria={})

    def undo(self, now: datetime) -> bool:
        """Begin to take back what it did. False if that is not possible any more."""
        if not self.may_be_undone(now):
            return False
        sources = ["finished", "stopped", "failed"]
        return transition(self, sources=sources, to=self.Status.UNDOING, leased_until=now, attempt_count=0)


class BulkPart(models.Model):
    """Some hundreds of those who were selected, done in one transaction. Deleted when nothing can be taken back.

    ``pks`` are the rows' keys; ``changed`` are those of them to which it happened, with what they were before: [[pk,
    before], …].
    """

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    pks = models.JSONField()
    changed = models.JSONField(default=list)
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("part of a bulk action")
        verbose_name_plural = _("parts of bulk actions")
        ordering = ["action", "number"]
        constraints = [models.UniqueConstraint(fields=["action", "number"], name="one_part_per_action_and_number")]

    def __str__(self) -> str:
        return f"{self.action_id}/{self.number}"
