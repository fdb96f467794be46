"""Stories, and when readers may see them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import FETCH_RAISE, F, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.text import Truncator, slugify
from django.utils.translation import gettext_lazy as _

from articles.models.topics import SLUG_LENGTH, Author, Topic

SHOWN_IN_LISTS = (
    "title", "slug", "summary", "language", "picture", "thumbnail", "picture_width", "picture_height", "picture_alt",
    "is_sponsored", "published_at", "released_at",
)  # fmt: skip
FEW = 10  # articles of one title, told apart by a number


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self, now: datetime) -> ArticleQuerySet:
        """What the public site shows, newest first."""
        visible = self.filter(status=Article.Status.PUBLISHED, released_at__lte=now)
        return visible.order_by("-released_at", "-pk")

    def before(self, article: Article) -> ArticleQuerySet:
        """What was released before that article: the rest of a list that goes newest first."""
        older = Q(released_at__lt=article.released_at) | Q(pk__lt=article.pk)
        # Said first, and not only in each of the two: databases look this up in the index, and filter by an "or".
        return self.filter(older, released_at__lte=article.released_at)

    def for_lists(self) -> ArticleQuerySet:
        """With all that a list of stories shows but topics and authors: no text, and no column for the desk."""
        return self.fetch_mode(FETCH_RAISE).only(*SHOWN_IN_LISTS)

    def eligible(self, *, since: datetime, now: datetime) -> ArticleQuerySet:
        """What a newsletter may carry: released within (since, now - grace], not expired, not withdrawn."""
        grace = timedelta(minutes=settings.ARTICLE_GRACE_MINUTES)
        alive = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.published(now).filter(alive, is_mailable=True, released_at__gt=since, released_at__lte=now - grace)

    def mailable(self, now: datetime) -> ArticleQuerySet:
        """What an alert may tell: as ``eligible``, but however young and however old."""
        return self.published(now).filter(is_mailable=True).exclude(expires_at__lte=now)

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
    picture_width = models.PositiveIntegerField(default=0, editable=False, help_text="pixels; 0 if not known")
    picture_height = models.PositiveIntegerField(default=0, editable=False)
    picture_alt = models.CharField(_("picture description"), max_length=300, blank=True)
    picture_credit = models.CharField(_("picture credit"), max_length=200, blank=True)
    picture_url = models.URLField(max_length=1000, blank=True, editable=False)
    has_lost_picture = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="there is no picture at picture_url: never asked again",
    )

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

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("written by"), help_text="who made it at the desk; null if it came from a feed",
    )  # fmt: skip
    merged_into = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="duplicates",
        verbose_name=_("merged into"), help_text="a reader who got one of them has had the other",
    )  # fmt: skip
    merge_record = models.JSONField(
        null=True, editable=False, help_text="what the merger moved, so that both can be taken apart again"
    )

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = [Coalesce("released_at", "first_seen_at").desc(), "-pk"]
        permissions = [
            ("publish_article", "Can publish and withdraw articles"),
            ("edit_any_article", "Can change articles of others, and published ones"),
        ]
        indexes = [
            models.Index(fields=["status", "-released_at"], name="article_released"),
            models.Index(Coalesce("released_at", "first_seen_at").desc(), F("id").desc(), name="article_desk_order"),
        ]
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
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(status="withdrawn"), name="merged_article_is_withdrawn"
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

    def submit(self) -> bool:
        """Ask an editor to look at it. False if it is no draft."""
        return self._change(from_=(self.Status.DRAFT,), status=self.Status.IN_REVIEW)

    def publish(self, now: datetime) -> bool:
        """Release to readers, at the end of the embargo if there is one. False if it is published already or merged."""
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
        changed = type(self).objects.filter(pk=self.pk, status__in=from_, merged_into=None).update(**values)
        if changed:
            for name, value in values.items():
                setattr(self, name, value)
        return bool(changed)


def slug_base(title: str) -> str:
    """The slug that an article with this title has if nobody else has it."""
    return slugify(Truncator(title).words(10, truncate=""))[: SLUG_LENGTH - 10].strip("-") or "article"


def free_slug(title: str) -> str:
    """A slug for the title that no article has yet: with a number, or some letters if many have the same title."""
    base = slug_base(title)
    numbered = [base, *(f"{base}-{number}" for number in range(2, FEW))]
    taken = set(Article.objects.filter(slug__in=numbered).values_list("slug", flat=True))
    return next((slug for slug in numbered if slug not in taken), f"{base}-{secrets.token_hex(4)}")
