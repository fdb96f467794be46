"""The publication itself: its name, what it looks like, and what it says of itself."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from articles import colors

ACCENT = "#8a2f1d"
LIGHT_PAPER, LIGHT_WASH = "#fdfcf9", "#f5f1e9"
DARK_PAPER, DARK_WASH = "#181614", "#221f1c"


class Publication(models.Model):
    """One row, or none: then everything is as it comes, under the name that SITE_NAME gives."""

    class Typeface(models.TextChoices):
        BOOK = "book", _("Book: Charter, Iowan, Georgia")
        CLASSIC = "classic", _("Classic: Times and its kin")
        OLD_STYLE = "old_style", _("Old style: Palatino and its kin")
        SLAB = "slab", _("Slab: Rockwell and its kin")
        HUMANIST = "humanist", _("Humanist, without serifs: Optima, Candara")
        GROTESQUE = "grotesque", _("Grotesque, without serifs: Helvetica, Arial")

    name = models.CharField(_("name"), max_length=80, blank=True)
    description = models.CharField(
        _("in one sentence"), max_length=200, blank=True, help_text=_("For search engines and feed readers.")
    )
    accent_color = models.CharField(
        _("accent color"), max_length=7, default=ACCENT,
        validators=[RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", _("A color is written like #8a2f1d."))],
    )  # fmt: skip
    typeface = models.CharField(_("typeface"), max_length=10, choices=Typeface, default=Typeface.BOOK)
    logo = models.ImageField(_("logo"), upload_to="publication", blank=True, max_length=200)
    logo_width = models.PositiveSmallIntegerField(null=True, editable=False)
    logo_height = models.PositiveSmallIntegerField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    last_known_name: ClassVar[str] = ""  # for pages that must do without a database

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publication")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="there_is_one_publication")]

    def __str__(self) -> str:
        return self.title

    @classmethod
    def current(cls) -> Publication:
        """What was set at the desk, or as it comes. 1 query."""
        publication = cls.objects.order_by("pk").first() or cls()
        cls.last_known_name = publication.name
        return publication

    @property
    def title(self) -> str:
        """What the publication is called."""
        return self.name or settings.SITE_NAME

    @property
    def accent(self) -> str:
        """The accent color on light paper: at least 4.5:1, even on a tinted ground."""
        return colors.readable(self.accent_color, paper=LIGHT_WASH)

    @property
    def accent_on_dark(self) -> str:
        return colors.readable(self.accent_color, paper=DARK_WASH)

    @property
    def has_own_look(self) -> bool:
        return (self.accent_color.lower(), self.typeface) != (ACCENT, self.Typeface.BOOK)

    @property
    def stylesheet_url(self) -> str:
        """Where the look's stylesheet is; the address says what is in it, so it may be kept for ever."""
        return reverse("articles:look", args=[self.accent_color.removeprefix("#").lower(), self.typeface])


def site_name_without_database() -> str:
    """What the publication was called when this process last looked; SITE_NAME before it ever did."""
    return Publication.last_known_name or settings.SITE_NAME


def site_name() -> str:
    """What the publication is called. 1 query."""
    return Publication.current().title
