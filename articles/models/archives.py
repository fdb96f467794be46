"""Archives: everything that a site published before, brought in once."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from articles.models.articles import Article
from articles.models.feeds import Feed

LEASE = timedelta(seconds=90)  # renewed every few seconds of work
HEAD_START = timedelta(seconds=15)  # the doorbell has rung, or a command takes its next turn at once
MOST_ATTEMPTS = 5  # in a row without getting any further


class ArchiveQuerySet(models.QuerySet["Archive"]):
    def working(self) -> ArchiveQuerySet:
        return self.filter(status__in=Archive.WORKING)

    def free(self, now: datetime) -> ArchiveQuerySet:
        """What a worker may go on with: nobody has it, or whoever had it is gone."""
        return self.working().filter(Q(leased_until=None) | Q(leased_until__lte=now)).order_by("pk")

    def abandoned(self, now: datetime) -> ArchiveQuerySet:
        """What somebody should have gone on with by now."""
        return self.free(now - HEAD_START)


class Archive(models.Model):
    """One archive on its way in: looked at, started by an editor, run, and taken back at will."""

    class Kind(models.TextChoices):
        WXR = "wxr", _("WordPress export")
        FEEDS = "feeds", _("feed documents")
        PAGES = "pages", _("paged feed")

    class Status(models.TextChoices):
        CHECKING = "checking", _("being looked at")
        READY = "ready", _("ready to start")
        RUNNING = "running", _("articles are coming in")
        PICTURING = "picturing", _("pictures are coming in")
        FINISHED = "finished", _("finished")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")
        UNDOING = "undoing", _("being taken back")
        UNDONE = "undone", _("taken back")

    WORKING = (Status.CHECKING, Status.RUNNING, Status.PICTURING, Status.UNDOING)

    folder = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    name = models.CharField(_("archive"), max_length=1000, help_text="the file's name, or the feed's address")
    feed = models.ForeignKey(
        Feed, on_delete=models.SET_NULL, null=True, blank=True, related_name="archives", verbose_name=_("feed")
    )
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.CHECKING)
    takes_drafts = models.BooleanField(_("drafts, too"), default=True)
    takes_pages = models.BooleanField(_("pages, too"), default=False)
    makes_topics = models.BooleanField(
        _("make topics of its categories"), default=False, help_text=_("Readers will be able to follow them.")
    )
    forecast = models.JSONField(default=dict, help_text="counts by kind and state")
    counts = models.JSONField(default=dict, help_text="what became of the items")
    makings = models.JSONField(default=dict, help_text="feed, topics and authors that were made for it")
    position = models.PositiveIntegerField(_("items done"), default=0)
    total_count = models.PositiveIntegerField(_("items"), default=0)
    next_url = models.URLField(max_length=1000, blank=True, help_text="of a paged feed: the page to go on with")
    error = models.CharField(_("what is wrong"), max_length=500, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("brought in"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("archive")
        verbose_name_plural = _("archives")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_working(self) -> bool:
        return self.status in self.WORKING

    @property
    def percent(self) -> int:
        """How far the articles are, from 0 to 100."""
        return min(100, self.position * 100 // self.total_count) if self.total_count else 0

    @property
    def may_be_undone(self) -> bool:
        stopped = self.status in {self.Status.FINISHED, self.Status.CANCELLED, self.Status.FAILED}
        return stopped and self.started_at is not None

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

    def settle(self) -> bool:
        return self._change(["checking"], self.Status.READY, leased_until=None, position=0, attempt_count=0)

    def start(self, now: datetime) -> bool:
        return self._change(
            ["ready"], self.Status.RUNNING, started_at=now, leased_until=now, position=0, attempt_count=0
        )

    def go_on_with_pictures(self) -> bool:
        return self._change(["running"], self.Status.PICTURING, attempt_count=0)

    def finish(self, now: datetime) -> bool:
        return self._change(["picturing"], self.Status.FINISHED, ended_at=now, leased_until=None)

    def cancel(self, now: datetime) -> bool:
        """Stop. What has come in stays until somebody takes it back."""
        sources = ["checking", "ready", "running", "picturing"]
        return self._change(sources, self.Status.CANCELLED, ended_at=now, leased_until=None)

    def fail(self, now: datetime, *, error: str) -> bool:
        return self._change(list(self.WORKING), self.Status.FAILED, ended_at=now, error=error[:500], leased_until=None)

    def undo(self, now: datetime) -> bool:
        if not self.may_be_undone:
            return False
        sources = ["finished", "cancelled", "failed"]
        return self._change(sources, self.Status.UNDOING, leased_until=now, attempt_count=0, error="")

    def finish_undoing(self, now: datetime) -> bool:
        return self._change(["undoing"], self.Status.UNDONE, ended_at=now, leased_until=None)

    def _change(self, sources: list[str], to: str, **values: object) -> bool:
        changed = type(self).objects.filter(pk=self.pk, status__in=sources).update(status=to, **values)
        if changed:
            self.refresh_from_db()
        return bool(changed)


class ArchiveItem(models.Model):
    """What became of one item of an archive; what is written down here is not done again."""

    class Outcome(models.TextChoices):
        NEW = "new", _("new")
        KNOWN = "known", _("known already")
        LEFT_OUT = "left_out", _("left out")
        REFUSED = "refused", _("refused")
        PICTURE = "picture", _("picture")

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    outcome = models.CharField(max_length=8, choices=Outcome)
    article = models.ForeignKey(Article, on_delete=models.SET_NULL, null=True, related_name="archive_items")
    label = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    number = models.PositiveBigIntegerField(null=True, help_text="of a picture in a WordPress export: its post_id")
    picture_number = models.PositiveBigIntegerField(null=True, help_text="of an article: its picture's number")
    url = models.URLField(max_length=2000, blank=True, help_text="of a picture")

    class Meta:
        ordering = ["archive", "position"]
        constraints = [models.UniqueConstraint(fields=["archive", "position"], name="one_archive_item_per_position")]
        indexes = [models.Index(fields=["archive", "number"], name="archive_item_number")]

    def __str__(self) -> str:
        return self.label or str(self.position)
