"""Where articles come from: feeds, and what was seen in them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from articles.models.articles import Article
from articles.models.topics import Topic


class FeedQuerySet(models.QuerySet["Feed"]):
    def due(self, now: datetime) -> FeedQuerySet:
        """Feeds to be polled now, the longest waiting first."""
        return self.filter(status=Feed.Status.ACTIVE, next_poll_at__lte=now).order_by("next_poll_at", "pk")

    def failing(self) -> FeedQuerySet:
        return self.filter(status=Feed.Status.ACTIVE, failure_count__gt=0)

    def silent(self, now: datetime) -> FeedQuerySet:
        """Feeds that answer, but have brought nothing for longer than is usual for them."""
        return self.filter(status=Feed.Status.ACTIVE, failure_count=0, quiet_after__lte=now)


class Feed(models.Model):
    """An RSS or Atom source that articles come from."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        GONE = "gone", _("gone")  # the server answered 410: never asked again

    url = models.URLField(_("address"), max_length=1000, unique=True)
    title = models.CharField(_("title"), max_length=200, blank=True)
    site_url = models.URLField(_("site"), max_length=1000, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE)
    is_trusted = models.BooleanField(
        _("publish at once"),
        default=True,
        help_text=_("If not, its articles wait in review until an editor publishes them."),
    )
    topics = models.ManyToManyField(Topic, verbose_name=_("default topics"), blank=True, related_name="feeds")
    removes_boilerplate = models.BooleanField(
        _("remove boilerplate"),
        default=True,
        help_text=_("Advertisement lines, sign-up appeals, share bars and the like; see the rules."),
    )
    extracts_full_text = models.BooleanField(
        _("fetch the full text"),
        default=False,
        help_text=_("For feeds that have only teasers: takes the text from each article's own page."),
    )
    digest_share = models.PositiveSmallIntegerField(
        _("largest share of a digest, in percent"),
        default=100,
        help_text=_("100: no limit. At most this part of the articles of one digest comes from this feed."),
    )
    poll_minutes = models.PositiveSmallIntegerField(_("minutes between polls"), default=15)

    next_poll_at = models.DateTimeField(_("next poll"), db_default=models.functions.Now(), db_index=True)
    last_polled_at = models.DateTimeField(_("last poll"), null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True, editable=False)
    last_new_at = models.DateTimeField(_("last new article"), null=True, blank=True, editable=False)
    failure_count = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    quiet_after = models.DateTimeField(
        _("silence is unusual from"), null=True, blank=True, editable=False, help_text=_("Learned from its rhythm.")
    )
    warning = models.TextField(_("warning"), blank=True, editable=False)
    etag = models.CharField(max_length=400, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)
    body_digest = models.CharField(max_length=64, blank=True, editable=False, help_text="SHA-256 of the last document")

    objects = FeedQuerySet.as_manager()

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")
        ordering = ["title", "url", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(poll_minutes__gte=1), name="feed_poll_minutes_is_positive"),
            models.CheckConstraint(
                condition=Q(digest_share__gte=1, digest_share__lte=100), name="feed_digest_share_is_percentage"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.url

    def claim_poll(self, now: datetime) -> bool:
        """Take this feed's due poll. Of several workers exactly one gets True."""
        next_poll_at = now + timedelta(minutes=self.poll_minutes)
        # "<=" and not "=": SQLite writes a default of its own with fewer digits than Django, and compares them as text
        due = type(self).objects.filter(pk=self.pk, next_poll_at__lte=self.next_poll_at)
        claimed = due.update(next_poll_at=next_poll_at, last_polled_at=now)
        if claimed:
            self.next_poll_at, self.last_polled_at = next_poll_at, now
        return bool(claimed)


class FeedEntry(models.Model):
    """Where an article was seen: one item of one feed. A story in two feeds has two."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="entries")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="entries")
    identity = models.CharField(max_length=64, help_text="SHA-256 of the item's id, or of its link if it has none")
    fingerprint = models.CharField(max_length=160, help_text="a hash of each field that was imported")
    title_key = models.CharField(max_length=300, db_index=True, help_text="the title without case, marks and spaces")
    first_seen_at = models.DateTimeField()
    categories = models.JSONField(default=list, help_text="the item's, as the feed wrote them")
    has_taken_over = models.BooleanField(
        default=False, db_default=False, help_text="it published what another feed's item had held for review"
    )
    extract_at = models.DateTimeField(null=True, db_index=True, help_text="when to fetch the full text; null is never")
    extract_count = models.PositiveSmallIntegerField(default=0, help_text="how often that was tried")
    extracted_part = models.CharField(max_length=16, blank=True, help_text="hash of the text that was extracted")

    class Meta:
        verbose_name = _("feed entry")
        verbose_name_plural = _("feed entries")
        ordering = ["-first_seen_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["feed", "identity"], name="one_entry_per_feed_and_identity")]

    def __str__(self) -> str:
        return f"{self.feed}: {self.article}"


class SkippedItem(models.Model):
    """An item that is known and left out, because whoever added the feed did not want what it had then."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="skipped_items")
    identity = models.CharField(max_length=64)
    title_key = models.CharField(max_length=300, blank=True)
    skipped_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["feed", "identity"], name="one_skip_per_feed_and_identity")]

    def __str__(self) -> str:
        return f"{self.feed}: {self.identity[:8]}"


class FeedHost(models.Model):
    """A machine that feeds come from, so that all workers together ask it one thing at a time."""

    name = models.CharField(max_length=260, primary_key=True, help_text="host and port")
    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
