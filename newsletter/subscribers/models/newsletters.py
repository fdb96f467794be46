"""What one can subscribe to, and which topics of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from articles.models import Topic


class Cadence(models.TextChoices):
    """How often a reader wants a newsletter, from most to least often."""

    DAILY = "daily", _("once a day")
    WEEKLY = "weekly", _("once a week")
    MONTHLY = "monthly", _("once a month")


def default_cadences() -> list[str]:
    return [Cadence.DAILY.value, Cadence.WEEKLY.value]


class NewsletterQuerySet(models.QuerySet["Newsletter"]):
    def open(self) -> NewsletterQuerySet:
        """What one can sign up for."""
        return self.filter(is_open=True).order_by("position", "pk")


class Newsletter(models.Model):
    """Something a reader can subscribe to: its promise, its sender, its look."""

    class Kind(models.TextChoices):
        DIGEST = "digest", _("digest of new articles")
        ANNOUNCEMENTS = "announcements", _("announcements")
        OFFERS = "offers", _("offers")

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=14, choices=Kind, default=Kind.DIGEST)
    description = models.CharField(_("what readers get"), max_length=300, blank=True)
    is_open = models.BooleanField(_("open for sign-up"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    cadences = models.JSONField(_("offered cadences"), default=default_cadences)
    default_cadence = models.CharField(_("usual cadence"), max_length=14, choices=Cadence, default=Cadence.DAILY)
    consent_text = models.TextField(
        _("consent"),
        help_text=_("What a reader agrees to, in one sentence. Every version is kept with the consents given."),
    )

    sender_name = models.CharField(_("sender's name"), max_length=80)
    sender_address = models.EmailField(_("sender's address"))
    reply_address = models.EmailField(_("replies go to"), blank=True)
    postal_address = models.CharField(
        _("postal address"), max_length=300, help_text=_("The law asks for it in the footer of every mail.")
    )
    language = models.CharField(_("language"), max_length=16, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    # Off until sending honors ``Subscription.hour`` and ``weekday``: a choice that has no effect is never shown.
    offers_delivery_time = models.BooleanField(_("readers may choose hour and day"), default=False, editable=False)
    accent_color = models.CharField(_("accent color"), max_length=7, default="#8a2f1d")
    measures_opens = models.BooleanField(_("measure opens of readers who agreed"), default=False)
    measures_clicks = models.BooleanField(_("measure clicks of readers who agreed"), default=False)
    sends_welcome = models.BooleanField(_("send a welcome mail"), default=False)
    welcome_text = models.TextField(
        _("welcome"), blank=True, help_text=_("What you say to somebody new. A blank line begins a paragraph.")
    )
    # Facts that the digests part notes for rhythm.py: cadence -> [mails a week, articles a mail].
    rhythm = models.JSONField(default=dict, blank=True, editable=False)
    rhythm_noted_at = models.DateTimeField(null=True, editable=False)

    objects = NewsletterQuerySet.as_manager()

    class Meta:
        verbose_name = _("newsletter")
        verbose_name_plural = _("newsletters")
        ordering = ["position", "name", "pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("digests:newsletter", kwargs={"slug": self.slug})

    def cadence_choices(self) -> list[tuple[str, str]]:
        """The offered cadences as (value, label), from most to least often."""
        return [(value, str(label)) for value, label in Cadence.choices if value in self.cadences]

    def cadence_or_default(self, wanted: str) -> str:
        """``wanted`` if this newsletter offers it, its usual cadence otherwise."""
        return wanted if wanted in self.cadences else self.default_cadence


class TopicSetManager(models.Manager["TopicSet"]):
    def of(self, topics: Iterable[Topic]) -> TopicSet | None:
        """The one set that holds exactly these topics; None, which means every topic, if there are none."""
        pks = sorted({topic.pk for topic in topics})
        if not pks:
            return None
        topic_set, created = self.get_or_create(key=",".join(map(str, pks)))
        if created:
            topic_set.topics.set(pks)
        return topic_set


class TopicSet(models.Model):
    """A choice of topics, shared by everybody who made the same one, so that readers can be grouped by one number."""

    key = models.CharField(max_length=500, unique=True, help_text="the topics' ids, ascending, with commas")
    topics = models.ManyToManyField(Topic, related_name="+")

    objects: ClassVar[TopicSetManager] = TopicSetManager()

    class Meta:
        verbose_name = _("choice of topics")
        verbose_name_plural = _("choices of topics")
        ordering = ["pk"]

    def __str__(self) -> str:
        return ", ".join(topic.name for topic in self.topics.all())

    @property
    def topic_pks(self) -> frozenset[int]:
        return frozenset(int(pk) for pk in self.key.split(","))
