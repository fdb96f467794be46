"""What one mailing of a newsletter says: issues, and the articles in them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from articles.models import Article
from newsletter.digests.models.schedules import Schedule
from newsletter.lib.tokens import Purpose, make_token
from newsletter.lib.transitions import transition
from newsletter.subscribers.models import Cadence, Newsletter


class IssueQuerySet(models.QuerySet["Issue"]):
    def ready(self, now: datetime) -> Self:
        """Approved issues whose hour has come: delivery's sweep launches them."""
        return self.filter(status=Issue.Status.APPROVED, launched_at=None, send_at__lte=now).order_by("send_at", "pk")

    def waiting(self) -> Self:
        """What may still go out: open or approved, and not launched."""
        return self.filter(status__in=[*Issue.OPEN, Issue.Status.APPROVED], launched_at=None).order_by("pk")

    def fillable(self) -> Self:
        """What takes in new articles by itself. What an editor approved does not: that is what they have seen."""
        return self.waiting().exclude(status=Issue.Status.APPROVED, is_approved_by_hand=True)

    def changed_since_examined(self) -> Self:
        """Approved, and since then an article was corrected or withdrawn, or somebody changed the words."""
        moved = Q(article__updated_at__gt=OuterRef("examined_at")) | Q(
            article__withdrawn_at__gt=OuterRef("examined_at")
        )
        articles = IssueItem.objects.filter(moved, issue=OuterRef("pk")).exclude(state__in=IssueItem.OUT)
        words = Q(versions__editor__isnull=False, versions__at__gt=F("examined_at"))
        examined = self.filter(status=Issue.Status.APPROVED, launched_at=None, examined_at__isnull=False)
        return examined.filter(Exists(articles) | words).distinct().order_by("send_at", "pk")

    def living(self, now: datetime) -> Self:
        """Drafts of digests that follow the articles until somebody or their run decides them."""
        near = self.fillable().filter(send_at__gt=now - timedelta(days=2), is_alert=False)
        return near.filter(newsletter__kind=Newsletter.Kind.DIGEST).exclude(status=Issue.Status.APPROVED)

    def undecided(self, now: datetime) -> Self:
        """Drafts of planned runs whose hour has come."""
        undecided = [Issue.Status.DRAFT, Issue.Status.IN_REVIEW]
        return self.filter(status__in=undecided, run_date__isnull=False, send_at__lte=now).order_by("send_at", "pk")

    def alerts(self) -> Self:
        """Breaking news that went out or is about to, the latest first."""
        wanted = Q(launched_at__isnull=False) | Q(status__in=[*Issue.OPEN, Issue.Status.APPROVED])
        return self.filter(wanted, is_alert=True).order_by("-send_at", "-pk")

    def gone_out(self) -> Self:
        """Launched, and not cancelled on the way: what they told counts as told."""
        return self.filter(launched_at__isnull=False).exclude(campaign__status="cancelled")

    def for_readers_of(self, run_date: date | None, newsletter: Newsletter, cadence: str) -> Self:
        """Of runs of this newsletter and cadence those that go to the same readers as that of this date.

        Weekly readers who chose a day of the week share nothing with those of another day. What no run made is for all.
        """
        if run_date is None or not newsletter.parts_by_weekday(cadence):
            return self
        return self.filter(Q(run_date=None) | Q(run_date__week_day=run_date.isoweekday() % 7 + 1))

    def published(self) -> Self:
        """What the archive shows: issues that were launched, but for those that were only for some of the readers."""
        is_for_all = Q(narrowing={}) & (Q(correction=None) | Q(correction__issue__narrowing={}))
        return self.filter(is_for_all, launched_at__isnull=False).order_by("-number")


class Issue(models.Model):
    """What one mailing of a newsletter says. One row is one planned run, whatever comes of it."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_REVIEW = "in_review", _("in review")
        APPROVED = "approved", _("approved")
        HELD = "held", _("held")
        SKIPPED = "skipped", _("skipped")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired, never sent")

    OPEN = (Status.DRAFT, Status.IN_REVIEW, Status.HELD)

    newsletter = models.ForeignKey(Newsletter, on_delete=models.PROTECT, related_name="issues")
    number = models.PositiveIntegerField(_("number"))
    schedule = models.ForeignKey(Schedule, on_delete=models.SET_NULL, null=True, blank=True, related_name="issues")
    run_date = models.DateField(_("date"), null=True, blank=True, help_text="local date of the planned run")
    run_slot = models.CharField(
        max_length=20, blank=True, editable=False,
        help_text="which of that date's runs: HH:MM of several, or the article that called for it",
    )  # fmt: skip
    cadence = models.CharField(_("for readers who chose"), max_length=14, choices=Cadence, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.DRAFT)
    reason = models.CharField(
        _("reason"), max_length=300, blank=True, help_text=_("Why it was skipped or held, or is late.")
    )

    subject = models.CharField(
        _("subject"), max_length=200, blank=True, help_text=_("Empty: the first headline of each reader.")
    )
    preheader = models.CharField(_("preview line"), max_length=200, blank=True)
    intro = models.TextField(_("editor's introduction"), blank=True)
    body = models.TextField(_("text"), blank=True, help_text=_("For announcements and offers."))

    min_articles = models.PositiveSmallIntegerField(_("fewest articles"), default=1)
    latest_days = models.PositiveSmallIntegerField(_("fewer go out after (days)"), null=True, blank=True)
    max_articles = models.PositiveSmallIntegerField(_("most articles"), default=8)
    max_per_topic = models.PositiveSmallIntegerField(_("most articles of one topic"), null=True, blank=True)
    articles = models.ManyToManyField(Article, through="IssueItem", related_name="issues")
    is_arranged = models.BooleanField(
        default=False, editable=False, help_text="an editor set the order of its articles"
    )
    is_alert = models.BooleanField(_("alert"), default=False, editable=False, help_text="breaking news: one article")
    narrowing = models.JSONField(
        default=dict, blank=True, db_default=Value({}, models.JSONField()), editable=False,
        help_text="which of the readers an announcement is for; see narrowing.py",
    )  # fmt: skip
    correction = models.ForeignKey(
        "digests.Correction", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="mails",
        help_text="what it tells those who got the mistake",
    )  # fmt: skip

    created_at = models.DateTimeField(_("drafted"), db_default=Now(), editable=False)
    send_at = models.DateTimeField(_("goes out at"))
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False,
        verbose_name=_("approved by"),
    )  # fmt: skip
    is_approved_by_hand = models.BooleanField(
        default=False, db_default=False, editable=False,
        help_text="a person approved it, not its schedule’s rule; stays so when that person's account is deleted",
    )  # fmt: skip
    examined_at = models.DateTimeField(
        null=True, editable=False, help_text="when the preflight last looked at what an editor approved"
    )
    launched_at = models.DateTimeField(_("launched"), null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False, help_text="counts what changed, whoever did it")

    objects = IssueQuerySet.as_manager()

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        ordering = ["-send_at", "-pk"]
        permissions = [("send_alert", "Can send alerts"), ("approve_issue", "Can approve and hold issues")]
        indexes = [models.Index(fields=["status", "send_at"], name="issue_ready")]
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "number"], name="one_issue_per_newsletter_and_number"),
            models.UniqueConstraint(fields=["schedule", "run_date", "run_slot"], name="one_issue_per_run"),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(approved_at__isnull=False), name="approved_has_approved_at"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["skipped", "held", "expired"]) | ~Q(reason=""), name="stopped_issue_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter} #{self.number}"

    def get_absolute_url(self) -> str:
        """Its web version: in the archive, or where only those find it who were sent the address."""
        if self.is_private:
            token = make_token(Purpose.READ, self.pk)
            return reverse("digests:private_issue", kwargs={"slug": self.newsletter.slug, "token": token})
        return reverse("digests:issue", kwargs={"slug": self.newsletter.slug, "number": self.number})

    @property
    def is_private(self) -> bool:
        """Whether it is for some of the readers only, so that the archive keeps quiet about it."""
        return bool(self.narrowing or (self.correction and self.correction.issue.narrowing))

    @property
    def is_written(self) -> bool:
        """Whether it says what somebody wrote, and not which articles are new."""
        is_digest = self.newsletter.kind == Newsletter.Kind.DIGEST
        return not self.is_alert and (not is_digest or self.correction_id is not None)

    def submit(self) -> bool:
        return transition(self, sources=[self.Status.DRAFT], to=self.Status.IN_REVIEW)

    def approve(self, *, by: Any = None, now: datetime, reason: str = "") -> bool:
        """It may go out at ``send_at``. ``by`` is None when the schedule's own rule approves."""
        values = {
            "approved_at": now, "approved_by": by, "is_approved_by_hand": by is not None, "reason": reason,
        }  # fmt: skip
        return transition(self, sources=self.OPEN, to=self.Status.APPROVED, **values)

    def hold(self, *, reason: str) -> bool:
        """It must not go out until somebody approves it (again)."""
        return self._before_launch([*self.OPEN, self.Status.APPROVED], self.Status.HELD, reason=reason)

    def reopen(self) -> bool:
        """Take an approval back: it is a draft again, and its schedule's rule decides at its time."""
        values = {"approved_at": None, "approved_by": None, "is_approved_by_hand": False, "reason": ""}
        return self._before_launch([self.Status.APPROVED], self.Status.DRAFT, **values)

    def skip(self, *, reason: str) -> bool:
        """Nothing is sent for this run, and that is in order."""
        return self._before_launch([*self.OPEN, self.Status.APPROVED], self.Status.SKIPPED, reason=reason)

    def cancel(self) -> bool:
        return self._before_launch([*self.OPEN, self.Status.APPROVED], self.Status.CANCELLED)

    def expire(self, *, reason: str) -> bool:
        """It was held until its time was over: nobody needs to decide it any more."""
        return self._before_launch([self.Status.HELD], self.Status.EXPIRED, reason=reason)

    def launch(self, now: datetime) -> bool:
        """Hand the approved issue to delivery. Of several callers exactly one gets True."""
        launched = type(self).objects.filter(pk=self.pk, status=self.Status.APPROVED, launched_at=None)
        if not launched.update(launched_at=now):
            return False
        self.launched_at = now
        return True

    def recall(self, *, reason: str) -> bool:
        """Launching found nobody to send it to: it becomes skipped. Only within the transaction that launched it."""
        return transition(self, sources=[self.Status.APPROVED], to=self.Status.SKIPPED, launched_at=None, reason=reason)

    def take_back(self, *, reason: str) -> bool:
        """It was launched, and nobody has got it: it must not go out until somebody approves it again. Only within the
        transaction that takes its campaign away."""
        return transition(self, sources=[self.Status.APPROVED], to=self.Status.HELD, launched_at=None, reason=reason)

    def _before_launch(self, sources: list[Any], to: str, **values: object) -> bool:
        """A transition for as long as the issue is not launched, which another process may do at any moment."""
        values = {"status": to, **values}
        if not type(self).objects.filter(pk=self.pk, status__in=sources, launched_at=None).update(**values):
            return False
        for name, value in values.items():
            setattr(self, name, value)
        return True


class IssueItem(models.Model):
    """An article in an issue, at the editor's place and in the editor's words."""

    class State(models.TextChoices):
        INCLUDED = "included", _("included")
        PINNED = "pinned", _("pinned")
        LATER = "later", _("kept for the next issue")
        DROPPED = "dropped", _("dropped")

    OUT = (State.LATER, State.DROPPED)  # not in this issue, by an editor's decision

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="items")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="issue_items")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.INCLUDED)
    title = models.CharField(_("headline for this mail"), max_length=300, blank=True)
    summary = models.TextField(_("summary for this mail"), blank=True)
    section = models.CharField(
        _("section in this mail"), max_length=80, blank=True, db_default="",
        help_text=_("The title that it stands under, where topics have sections. Empty: its own topic."),
    )  # fmt: skip
    is_told = models.BooleanField(
        null=True, editable=False,
        help_text="whether the issue brought it as news; empty: not launched, or nobody has looked (telling.py)",
    )  # fmt: skip

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["issue", "position", "pk"]
        constraints = [models.UniqueConstraint(fields=["issue", "article"], name="one_item_per_issue_and_article")]

    def __str__(self) -> str:
        return self.title or str(self.article)
