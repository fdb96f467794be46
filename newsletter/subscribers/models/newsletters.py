"""What one can subscribe to, and which topics of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from articles.models import Topic
from newsletter.lib.dates import is_among


class Cadence(models.TextChoices):
    """How often a reader wants a newsletter, from most to least often."""

    IMMEDIATE = "immediate", _("with every article")
    SEVERAL = "several", _("several times a day")
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
    offers_delivery_time = models.BooleanField(
        _("readers may choose hour and day"), default=False,
        help_text=_("Every issue then reaches each reader at their own hour, within a day of the newsletter's."),
    )  # fmt: skip
    offered_weekdays = models.JSONField(
        _("days to choose from"), default=list, blank=True, help_text="for weekly readers; 0 is Monday"
    )
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    quiet_dates = models.JSONField(
        _("quiet days"), default=list, blank=True, help_text="YYYY-MM-DD, or first/last of a stretch"
    )
    sends_from = models.TimeField(
        _("hands mails over from"), null=True, blank=True,
        help_text=_("At other hours a large issue pauses, and goes on by itself; alerts do not. Empty: at any hour."),
    )  # fmt: skip
    sends_until = models.TimeField(_("hands mails over until"), null=True, blank=True)
    accent_color = models.CharField(_("accent color"), max_length=7, default="#8a2f1d")
    measures_opens = models.BooleanField(
        _("measure opens of readers who agreed"), default=False,
        help_text=_("By a picture that nobody sees. A weak sign: some mail programs load it for everybody, others "
                    "never."),
    )  # fmt: skip
    measures_clicks = models.BooleanField(
        _("measure clicks of readers who agreed"), default=False,
        help_text=_("Nobody has agreed until they tick a box of its own, on the form or on their page. Their links "
                    "then lead through this site; everybody else's stay plain."),
    )  # fmt: skip
    tells_of_drafts = models.BooleanField(
        _("tell the editors when a draft opens"), default=False, db_default=False,
        help_text=_("Everybody who may change issues and has an address is mailed a link to its desk."),
    )  # fmt: skip
    test_addresses = models.JSONField(
        _("test mails go to"), default=list, blank=True, db_default=Value([], models.JSONField()),
        help_text=_("Addresses, one a line, ten at most: who looks at an issue before it goes out. They need not be "
                    "readers. Empty: whoever sends the test."),
    )  # fmt: skip
    silence_days = models.PositiveSmallIntegerField(
        _("days of silence before mails get short"), null=True, blank=True, validators=[MinValueValidator(14)],
        help_text=_("Empty: nobody is called silent. After twice as long they are asked if they still want it."),
    )  # fmt: skip
    sends_welcome = models.BooleanField(_("send a welcome mail"), default=False)
    welcome_text = models.TextField(
        _("welcome"), blank=True, help_text=_("What you say to somebody new. A blank line begins a paragraph.")
    )
    welcome_has_best = models.BooleanField(_("the best of the last seven days in it"), default=False)
    # Facts that the digests part notes for rhythm.py: cadence -> [mails a week, articles a mail].
    rhythm = models.JSONField(default=dict, blank=True, editable=False)
    rhythm_noted_at = models.DateTimeField(null=True, editable=False)

    objects = NewsletterQuerySet.as_manager()

    class Meta:
        verbose_name = _("newsletter")
        verbose_name_plural = _("newsletters")
        ordering = ["position", "name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="quiet_hours_have_both_ends",
            ),
            models.CheckConstraint(
                condition=Q(sends_from__isnull=True, sends_until__isnull=True)
                | Q(sends_from__isnull=False, sends_until__isnull=False),
                name="sending_hours_have_both_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("digests:newsletter", kwargs={"slug": self.slug})

    @property
    def is_measured(self) -> bool:
        """Whether anything is, of readers who agreed."""
        return self.measures_opens or self.measures_clicks

    def cadence_choices(self) -> list[tuple[str, str]]:
        """The offered cadences as (value, label), from most to least often."""
        return [(value, str(label)) for value, label in Cadence.choices if value in self.cadences]

    def offered_hours(self) -> list[int]:
        """The hours that readers may choose: those that begin outside the quiet hours."""
        return [hour for hour in range(24) if not self.is_quiet_at(time(hour))]

    def is_quiet_at(self, at: time) -> bool:
        """Whether no mail goes out at this time of day. The quiet hours may span midnight."""
        start, end = self.quiet_from, self.quiet_until
        if start is None or end is None or start == end:
            return False
        return start <= at < end if start < end else at >= start or at < end

    def is_quiet_on(self, day: date) -> bool:
        """Whether no mail goes out on this date."""
        return is_among(day, self.quiet_dates)

    def parts_by_weekday(self, cadence: str) -> bool:
        """Whether readers of this cadence get their issues on different days of the week, as they chose."""
        return cadence == Cadence.WEEKLY and self.offers_delivery_time and bool(self.offered_weekdays)

    def cadence_or_default(self, wanted: str) -> str:
        """``wanted`` if this newsletter offers it, its usual cadence otherwise: for whoever has chosen nothing else."""
        return wanted if wanted in self.cadences else self.default_cadence

    def cadence_near(self, had: str) -> str:
        """``had`` if this newsletter offers it, or the next rarer that it offers; more often only if there is none."""
        offered = [value for value, _label in self.cadence_choices()]
        if had in offered or not offered or had not in Cadence.values:
            return had
        rarer = Cadence.values[Cadence.values.index(had) :]
        return next((value for value in offered if value in rarer), offered[-1])


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
