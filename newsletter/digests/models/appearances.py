"""How a newsletter's issues appear: in mails, in the archive, in search engines."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from articles.models import Publication
from newsletter.digests import phrases
from newsletter.subscribers.models import Newsletter


class Appearance(models.Model):
    """One row for a newsletter whose look was set; without one everything is as it comes. ``of`` knows which."""

    class Layout(models.TextChoices):
        CLASSIC = "classic", _("Classic: a front page with a lead story and small pictures")
        MAGAZINE = "magazine", _("Magazine: large pictures, two columns of cards")
        HEADLINES = "headlines", _("Headlines: short and close, made for scanning")

    class Tone(models.TextChoices):
        WARM = "warm", _("warm paper")
        PLAIN = "plain", _("plain white")
        COOL = "cool", _("cool gray")

    class Pictures(models.TextChoices):
        ALL = "all", _("with every story")
        LEAD = "lead", _("with the lead story only")
        NONE = "none", _("none")

    class Summaries(models.TextChoices):
        FULL = "full", _("whole")
        SHORT = "short", _("one sentence or two lines")
        NONE = "none", _("none")

    newsletter = models.OneToOneField(Newsletter, on_delete=models.CASCADE, primary_key=True, related_name="appearance")
    layout = models.CharField(_("layout"), max_length=9, choices=Layout, default=Layout.CLASSIC)
    tone = models.CharField(_("paper"), max_length=5, choices=Tone, default=Tone.WARM)
    typeface = models.CharField(
        _("typeface"), max_length=10, choices=Publication.Typeface, blank=True, help_text=_("Empty: the site's own.")
    )
    shows_logo = models.BooleanField(
        _("logo at the top"), default=True, help_text=_("The publication's, in place of its name, once there is one.")
    )

    pictures = models.CharField(_("pictures"), max_length=4, choices=Pictures, default=Pictures.ALL)
    summaries = models.CharField(_("summaries"), max_length=5, choices=Summaries, default=Summaries.FULL)
    groups_by_topic = models.BooleanField(
        _("a section for each topic"), default=False, help_text=_("Otherwise one list, in the order of the issue.")
    )
    shows_topics = models.BooleanField(_("topic above each headline"), default=True)
    shows_authors = models.BooleanField(_("authors' names"), default=False)
    asks_rating = models.BooleanField(
        _("ask what readers think of it"), default=False,
        help_text=_("A question with three answers below the stories; the answers stand on the issue's page."),
    )  # fmt: skip
    shows_headlines = models.BooleanField(
        _("more headlines"), default=True,
        help_text=_("What does not fit as a story, in one line each. Otherwise it waits for the next issue."),
    )  # fmt: skip

    subject_pattern = models.CharField(
        _("subject"), max_length=150, blank=True,
        help_text=_("When the editor writes none. Empty: {headline}. May have {headline}, {newsletter}, {publication}, "
                    "{date} and {number}."),
    )  # fmt: skip
    greeting = models.CharField(
        _("greeting"), max_length=150, blank=True,
        help_text=_("As in “Good morning, {name}.” May have {name}, {newsletter} and {publication}."),
    )  # fmt: skip
    nameless_greeting = models.CharField(
        _("greeting without a name"), max_length=150, blank=True,
        help_text=_("For readers whose name we do not know."),
    )  # fmt: skip
    read_more = models.CharField(
        _("link after a summary"), max_length=40, blank=True,
        help_text=_("As in “Read on”. Empty: none; headline and picture are links as well."),
    )  # fmt: skip
    more_title = models.CharField(_("title of “More headlines”"), max_length=60, blank=True)
    rest_title = models.CharField(
        _("title of stories without a topic"), max_length=60, blank=True, help_text=_("Where topics have sections.")
    )
    rating_question = models.CharField(
        _("question to readers"), max_length=80, blank=True,
        help_text=_("It must fit the answers “Yes”, “In part” and “No”. Empty: “Was this issue worth your time?”"),
    )  # fmt: skip
    closing = models.CharField(
        _("last sentence"), max_length=300, blank=True,
        help_text=_("In the footer, as in “Reply to this mail; we read every answer.” May have {newsletter} and "
                    "{publication}."),
    )  # fmt: skip

    is_indexed = models.BooleanField(
        _("search engines may list the archive"), default=True,
        help_text=_("Otherwise past issues stay readable, but ask search engines to leave them out."),
    )  # fmt: skip

    PHRASES: ClassVar[dict[str, tuple[str, ...]]] = {
        "subject_pattern": ("headline", "newsletter", "publication", "date", "number"),
        "greeting": ("name", "newsletter", "publication"),
        "nameless_greeting": ("newsletter", "publication"),
        "read_more": (),
        "more_title": (),
        "rest_title": (),
        "rating_question": (),
        "closing": ("newsletter", "publication"),
    }

    class Meta:
        verbose_name = _("appearance")
        verbose_name_plural = _("appearances")
        ordering = ["newsletter"]

    def __str__(self) -> str:
        return str(self.newsletter)

    @classmethod
    def of(cls, newsletter: Newsletter) -> Self:
        """What was set at the desk, or as it comes. 1 query."""
        return cls.objects.filter(newsletter=newsletter).first() or cls(newsletter=newsletter)

    def clean(self) -> None:
        errors: dict[str, str] = {}
        for name, allowed in self.PHRASES.items():
            if problem := phrases.problem(getattr(self, name), allowed=allowed):
                errors[name] = problem
        if not errors and "name" in phrases.slots_in(self.greeting) and not self.nameless_greeting:
            errors["nameless_greeting"] = str(_("The greeting has {name}; say what readers without one are told."))
        if errors:
            raise ValidationError(errors)
