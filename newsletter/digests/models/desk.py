"""What the issue desk keeps beside the issue: its versions, who is at it, who was told, which links are alive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.digests.models.issues import Issue

PRESENT_FOR = timedelta(seconds=45)  # three missed signs of life, and somebody counts as gone


class IssueVersion(models.Model):
    """What an issue said from some moment on, and who made it so. The newest is what it says now.

    ``touched`` names what differs from the version before: ``subject``, ``order``, ``item:12`` …
    """

    class Action(models.TextChoices):
        FOUND = "found", _("as it had come")
        EDITED = "edited", _("edited")
        UNDONE = "undone", _("took back")
        RESTORED = "restored", _("brought back a version")
        APPROVED = "approved", _("approved")
        REOPENED = "reopened", _("took the approval back")
        HELD = "held", _("held")
        NO_INTRO = "no_intro", _("left out the introduction, which nobody had approved")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(help_text="the issue's version that it made")
    editor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("editor")
    )
    action = models.CharField(max_length=8, choices=Action, default=Action.EDITED)
    touched = models.JSONField(default=list)
    content = models.JSONField(help_text="words, order, and every item's state and words")
    is_undone = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ["issue", "-pk"]

    def __str__(self) -> str:
        return f"{self.issue}, {self.at:%Y-%m-%d %H:%M}"


class DeskPresenceQuerySet(models.QuerySet["DeskPresence"]):
    def present(self, now: datetime) -> Self:
        return self.filter(seen_at__gt=now - PRESENT_FOR).order_by("pk")


class DeskPresence(models.Model):
    """An editor has this issue's desk open; the page says so every few seconds."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="presences")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    objects = DeskPresenceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issue", "editor"], name="one_presence_per_issue_and_editor")]

    def __str__(self) -> str:
        return f"{self.editor}: {self.issue}"


class IssueNotice(models.Model):
    """An editor is told that an issue is held, its draft open, or its sending stopped. The row is a place in a queue.

    Once for each ``occasion``: 0, or the version of the approval after which the issue was held again, or the minute of
    the campaign in which it stopped.
    """

    MOST_ATTEMPTS = 12

    class Kind(models.TextChoices):
        HELD = "held", _("it is held")
        OPENED = "opened", _("its draft is open")
        PAUSED = "paused", _("its sending stopped")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="notices")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.HELD, db_default=Kind.HELD)
    occasion = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, db_index=True, help_text="null: settled")
    attempt_count = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    response = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issue", "editor", "kind", "occasion"], name="one_notice_per_editor_and_occasion"
            )
        ]

    def __str__(self) -> str:
        return f"{self.editor}: {self.issue}"

    def claim(self, now: datetime, *, until: datetime) -> bool:
        """Take it for a while. Of several workers exactly one gets True."""
        mine = type(self).objects.filter(pk=self.pk, next_attempt_at=self.next_attempt_at, next_attempt_at__lte=now)
        claimed = mine.update(next_attempt_at=until, attempt_count=models.F("attempt_count") + 1)
        if claimed:
            self.refresh_from_db(fields=["next_attempt_at", "attempt_count"])
        return bool(claimed)


class Asked(models.Model):
    """Something that a worker asks other machines about. ``next_attempt_at`` is its place in the queue."""

    checked_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True, db_index=True, help_text="null: nobody asks it at the moment")

    class Meta:
        abstract = True

    def claim(self, now: datetime, *, until: datetime) -> bool:
        """Take it for a while. Of several workers exactly one gets True."""
        mine = type(self)._default_manager.filter(
            pk=self.pk, next_attempt_at=self.next_attempt_at, next_attempt_at__lte=now
        )
        return bool(mine.update(next_attempt_at=until))


class LinkCheck(Asked):
    """Whether an address that a mail leads to answered when it was last asked."""

    class State(models.TextChoices):
        WAITING = "waiting", _("being asked")
        ALIVE = "alive", _("answers")
        DEAD = "dead", _("leads nowhere")
        UNSURE = "unsure", _("did not answer")

    url = models.URLField(max_length=1000, unique=True)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    detail = models.CharField(max_length=300, blank=True)
    asked_for_at = models.DateTimeField(help_text="when an issue last contained it")

    def __str__(self) -> str:
        return f"{self.url}: {self.get_state_display()}"


class SenderDomain(Asked):
    """What the DNS says of a domain that newsletters are sent from: the records as they were last found."""

    domain = models.CharField(max_length=253, unique=True)
    spf = models.JSONField(default=list)
    dmarc = models.JSONField(default=list)
    dkim = models.JSONField(default=list)
    selector = models.CharField(max_length=100, blank=True, help_text="of the DKIM key that was asked for")
    answered_at = models.DateTimeField(null=True, help_text="null: no name server has answered yet")

    def __str__(self) -> str:
        return self.domain
