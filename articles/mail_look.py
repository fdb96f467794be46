"""What mails take of the publication's look: its colors, its type, its logo. Every mail of the site shares them.

Colors are chosen for mail programs that know nothing but plain values: both palettes are written out, nothing is pure
black or white (some programs turn those around), and text keeps a contrast of 4.5:1 on every ground (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from articles import colors
from articles.models import Publication

Typeface = Publication.Typeface
LOGO_BOX = (300, 80)  # CSS pixels


@dataclass(frozen=True)
class Palette:
    """The grounds and grays of a mail, for light and for dark screens, as ``#rrggbb``."""

    page: str
    card: str
    wash: str
    rule: str
    ink: str
    muted: str
    dark_page: str
    dark_card: str
    dark_wash: str
    dark_rule: str
    dark_ink: str
    dark_muted: str


PALETTES: Mapping[str, Palette] = {
    "warm": Palette(
        page="#f4f0e8", card="#fffdf9", wash="#efe9de", rule="#ddd5c7", ink="#211d18", muted="#625b51",
        dark_page="#131210", dark_card="#1d1b18", dark_wash="#2b2823", dark_rule="#3d3931", dark_ink="#ece6da",
        dark_muted="#b3ab9d",
    ),
    "plain": Palette(
        page="#fefefe", card="#fefefe", wash="#f1f1f0", rule="#dadad8", ink="#1c1c1b", muted="#5c5c5a",
        dark_page="#171716", dark_card="#171716", dark_wash="#272726", dark_rule="#3b3b39", dark_ink="#e9e9e6",
        dark_muted="#adada9",
    ),
    "cool": Palette(
        page="#edf0f3", card="#fcfdfe", wash="#e3e8ed", rule="#d2d9e0", ink="#191d22", muted="#545d67",
        dark_page="#101317", dark_card="#191d22", dark_wash="#252b32", dark_rule="#38404a", dark_ink="#e4e9ee",
        dark_muted="#a5afb9",
    ),
}  # fmt: skip
DEFAULT_TONE = "warm"


@dataclass(frozen=True)
class Face:
    """A family of type: the names that readers' systems may have, and what classic Outlook takes instead.

    Outlook for Windows falls back to Times for a list whose first name it lacks, whatever follows.
    """

    stack: SafeString
    outlook: str


def _face(stack: str, *, outlook: str) -> Face:
    return Face(mark_safe(stack), outlook)  # noqa: S308 (only the constants below)


FACES: Mapping[str, Face] = {
    Typeface.BOOK: _face("Charter, 'Iowan Old Style', Georgia, serif", outlook="Georgia, serif"),
    Typeface.CLASSIC: _face("'Times New Roman', Times, serif", outlook="'Times New Roman', serif"),
    Typeface.OLD_STYLE: _face("Palatino, 'Palatino Linotype', 'Book Antiqua', serif",
                              outlook="'Palatino Linotype', serif"),
    Typeface.SLAB: _face("Rockwell, 'Roboto Slab', 'Sitka Small', serif", outlook="Rockwell, Georgia, serif"),
    Typeface.HUMANIST: _face("Optima, Candara, 'Noto Sans', sans-serif", outlook="Candara, sans-serif"),
    Typeface.GROTESQUE: _face("'Helvetica Neue', Helvetica, Arial, sans-serif", outlook="Arial, sans-serif"),
}  # fmt: skip
SANS = _face("-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif", outlook="Arial, sans-serif")


@dataclass(frozen=True)
class MailLook:
    """Colors and type of a mail, ready for its templates."""

    palette: Palette
    accent: str
    accent_dark: str
    face: SafeString
    face_outlook: SafeString
    sans: SafeString = SANS.stack


@dataclass(frozen=True)
class Logo:
    """The publication's logo as a mail shows it, in CSS pixels, at an absolute address."""

    url: str
    width: int
    height: int


def logo_of(publication: Publication) -> Logo | None:
    """The logo at half its size in pixels or less, so that it is sharp on every screen. None if there is none."""
    if not publication.logo or not publication.logo_width or not publication.logo_height:
        return None
    width, height = publication.logo_width, publication.logo_height
    scale = min(LOGO_BOX[0] / width, LOGO_BOX[1] / height, 1)
    url = urljoin(settings.SITE_URL, publication.logo.url)
    return Logo(url, max(1, round(width * scale)), max(1, round(height * scale)))


def mail_look(*, accent: str, tone: str = DEFAULT_TONE, typeface: str = Typeface.BOOK) -> MailLook:
    """The look with this accent color, made readable on every ground of ``tone``. Unknown names count as the usual."""
    palette = PALETTES.get(tone, PALETTES[DEFAULT_TONE])
    face = FACES.get(typeface, FACES[Typeface.BOOK])
    return MailLook(
        palette=palette,
        accent=colors.readable(accent, paper=palette.page),
        accent_dark=colors.readable(accent, paper=palette.dark_card),
        face=face.stack,
        face_outlook=mark_safe(face.outlook),  # noqa: S308 (one of FACES)
    )


def look_of_the_publication(publication: Publication | None = None) -> dict[str, object]:
    """What templates of mails that belong to no newsletter need. 1 query, or none if the publication is given."""
    publication = publication or Publication.current()
    look = mail_look(accent=publication.accent_color, typeface=publication.typeface)
    return {**vars(look), "logo": logo_of(publication)}
