"""What there is to read: articles, what they are about, who wrote them, where they come from."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.text import Truncator, slugify
from django.utils.translation import gettext_lazy as _

SLUG_LENGTH = 80


class Topic(models.Model):
    """What readers follow."""

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=SLUG_LENGTH, unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["position", "name", "pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("articles:topic", kwargs={"slug": self.slug})


class Author(models.Model):
    """Who wrote an article; the by-line."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=SLUG_LENGTH, unique=True)

    class Meta:
        verbose_name = _("author")
        verbose_name_plural = _("authors")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class FeedQuerySet(models.QuerySet["Feed"]):
    def due(self, now: datetime) -> FeedQuerySet:
        """Feeds to be polled now, the longest waiting first."""
        return self.filter(status=Feed.Status.ACTIVE, next_poll_at__lte=now).order_by("next_poll_at", "pk")


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
    poll_minutes = models.PositiveSmallIntegerField(_("minutes between polls"), default=15)

    next_poll_at = models.DateTimeField(_("next poll"), db_default=models.functions.Now(), db_index=True)
    last_polled_at = models.DateTimeField(_("last poll"), null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True, editable=False)
    last_new_at = models.DateTimeField(_("last new article"), null=True, blank=True, editable=False)
    failure_count = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    etag = models.CharField(max_length=400, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)

    objects = FeedQuerySet.as_manager()

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")
        ordering = ["title", "url", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(poll_minutes__gte=1), name="feed_poll_minutes_is_positive"),
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


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self, now: datetime) -> ArticleQuerySet:
        """What the public site shows, newest first."""
        visible = self.filter(status=Article.Status.PUBLISHED, released_at__lte=now)
        return visible.order_by("-released_at", "-pk")

    def before(self, article: Article) -> ArticleQuerySet:
        """What was released before that article: the rest of a list that goes newest first."""
        older = Q(released_at__lt=article.released_at) | Q(released_at=article.released_at, pk__lt=article.pk)
        return self.filter(older)

    def eligible(self, *, since: datetime, now: datetime) -> ArticleQuerySet:
        """What a newsletter may carry: released within (since, now - grace], not expired, not withdrawn."""
        grace = timedelta(minutes=settings.ARTICLE_GRACE_MINUTES)
        alive = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.published(now).filter(alive, is_mailable=True, released_at__gt=since, released_at__lte=now - grace)

    def withdrawn(self) -> ArticleQuerySet:
        """What must vanish from every issue that is not yet handed over."""
        return self.filter(status=Article.Status.WITHDRAWN)


class Article(models.Model):
    """A story. It becomes *released* once: when readers could first see it here.

    ``first_seen_at`` is when we learned of it, ``published_at`` what the publisher says. Newsletters go by
    ``released_at`` (the later of first seen, an editor's approval and the embargo), never by ``published_at``.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_REVIEW = "in_review", _("in review")
        PUBLISHED = "published", _("published")
        WITHDRAWN = "withdrawn", _("withdrawn")

    title = models.CharField(_("headline"), max_length=300)
    slug = models.SlugField(_("slug"), max_length=SLUG_LENGTH, unique=True, blank=True)
    summary = models.TextField(
        _("summary"), blank=True, help_text=_("One to three sentences; shown in lists and mails.")
    )
    body = models.TextField(_("text"), blank=True, help_text=_("HTML; unsafe markup is removed when it is saved."))
    language = models.CharField(_("language"), max_length=16, blank=True)
    topics = models.ManyToManyField(Topic, verbose_name=_("topics"), blank=True, related_name="articles")
    authors = models.ManyToManyField(Author, verbose_name=_("authors"), blank=True, related_name="articles")
    canonical_url = models.URLField(_("original address"), max_length=1000, blank=True)

    picture = models.ImageField(_("picture"), upload_to="pictures/%Y/%m", blank=True, max_length=200)
    thumbnail = models.ImageField(upload_to="pictures/%Y/%m", blank=True, max_length=200, editable=False)
    picture_alt = models.CharField(_("picture description"), max_length=300, blank=True)
    picture_credit = models.CharField(_("picture credit"), max_length=200, blank=True)
    picture_url = models.URLField(max_length=1000, blank=True, editable=False)

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    is_mailable = models.BooleanField(_("may go into newsletters"), default=True)
    is_sponsored = models.BooleanField(_("sponsored"), default=False)
    newsletter_title = models.CharField(_("headline in newsletters"), max_length=300, blank=True)
    newsletter_summary = models.TextField(_("summary in newsletters"), blank=True)
    score = models.FloatField(_("popularity"), default=0, editable=False)

    published_at = models.DateTimeField(_("publisher's date"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"), db_default=models.functions.Now(), editable=False)
    embargo_until = models.DateTimeField(_("embargo until"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = [Coalesce("released_at", "first_seen_at").desc(), "-pk"]
        indexes = [models.Index(fields=["status", "-released_at"], name="article_released")]
        constraints = [
            models.UniqueConstraint(
                fields=["canonical_url"], condition=~Q(canonical_url=""), name="one_article_per_canonical_url"
            ),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(released_at__isnull=False), name="published_article_is_released"
            ),
            models.CheckConstraint(
                condition=~Q(status="withdrawn") | Q(withdrawn_at__isnull=False),
                name="withdrawn_article_has_withdrawn_at",
            ),
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(embargo_until=None) | Q(released_at__gte=F("embargo_until")),
                name="article_released_after_embargo",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: object, **kwargs: object) -> None:
        if not self.slug:
            self.slug = free_slug(self.title)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        return reverse("articles:article", kwargs={"slug": self.slug})

    @property
    def shown_at(self) -> datetime | None:
        """The date under the headline: the publisher's unless it lies after our release."""
        if self.published_at and self.released_at:
            return min(self.published_at, self.released_at)
        return self.released_at

    def is_public(self, now: datetime) -> bool:
        """Whether the public site shows it; the same condition as ``published``."""
        return self.status == self.Status.PUBLISHED and self.released_at is not None and self.released_at <= now

    def publish(self, now: datetime) -> bool:
        """Release to readers, at the end of the embargo if there is one. False if it is published already."""
        released_at = self.released_at or now
        if self.embargo_until:
            released_at = max(released_at, self.embargo_until)
        return self._change(
            from_=(self.Status.DRAFT, self.Status.IN_REVIEW, self.Status.WITHDRAWN),
            status=self.Status.PUBLISHED, released_at=released_at, withdrawn_at=None,
        )  # fmt: skip

    def withdraw(self, now: datetime) -> bool:
        """Take it from the site and from everything not yet handed over. False if it was not published."""
        return self._change(from_=(self.Status.PUBLISHED,), status=self.Status.WITHDRAWN, withdrawn_at=now)

    def _change(self, *, from_: tuple[str, ...], **values: object) -> bool:
        changed = type(self).objects.filter(pk=self.pk, status__in=from_).update(**values)
        if changed:
            for name, value in values.items():
                setattr(self, name, value)
        return bool(changed)


class FeedEntry(models.Model):
    """Where an article was seen: one item of one feed. A story in two feeds has two."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="entries")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="entries")
    identity = models.CharField(max_length=64, help_text="SHA-256 of the item's id, or of its link if it has none")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was imported, to see that it changed")
    title_key = models.CharField(max_length=300, db_index=True, help_text="the title without case, marks and spaces")
    first_seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("feed entry")
        verbose_name_plural = _("feed entries")
        ordering = ["-first_seen_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["feed", "identity"], name="one_entry_per_feed_and_identity")]

    def __str__(self) -> str:
        return f"{self.feed}: {self.article}"


def free_slug(title: str) -> str:
    """A slug for the title that no article has yet."""
    base = slugify(Truncator(title).words(10, truncate=""))[: SLUG_LENGTH - 8].strip("-") or "article"
    slug, number = base, 1
    while Article.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{base}-{number}"
    return slug
