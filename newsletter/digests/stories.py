"""An article as a mail tells it: the editor's words, absolute addresses, pictures whose size is known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.images import get_image_dimensions
from django.core.files.storage import default_storage
from django.db.models import F, FilteredRelation, Q
from django.db.models.fields.files import ImageFieldFile
from django.utils.text import Truncator, get_text_list
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from PIL import Image

from articles.models import Article
from articles.pictures import narrowest
from newsletter.digests.models import Issue, IssueItem
from newsletter.digests.prose import one_line

MAILABLE_SUFFIXES = {".gif", ".jpeg", ".jpg", ".png"}  # no WebP in Outlook, no SVG in Gmail
SUMMARY_CHARACTERS = 400


@dataclass(frozen=True)
class Picture:
    """A picture with its size in pixels, or, once it is ``within`` a box, the size at which it is shown."""

    url: str
    width: int
    height: int
    alt: str
    credit: str

    def within(self, box: tuple[int, int]) -> Picture:
        """As large as it can be shown in the box, in CSS pixels, from the smallest copy that is sharp on any screen."""
        scale = min(box[0] / self.width, box[1] / self.height)
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        return replace(self, url=narrowest(self.url, at_least=2 * width), width=width, height=height)


@dataclass(frozen=True)
class Story:
    """All that a block shows of an article. Equal stories look the same, so blocks are cached by them."""

    pk: int
    headline: str
    summary: str
    url: str
    label: str  # the topic, or that it is paid for
    topic: str  # the section that it stands in
    byline: str
    is_sponsored: bool
    language: str  # empty if it is the newsletter's
    direction: str
    picture: Picture | None
    thumbnail: Picture | None


def load(issue: Issue, pks: Collection[int]) -> dict[int, Story]:
    """The stories of the issue and those asked for, in the issue's words; published ones only. 3 queries."""
    articles = (
        Article.objects.annotate(
            own=FilteredRelation("issue_items", condition=Q(issue_items__issue=issue)),
            own_title=F("own__title"),
            own_summary=F("own__summary"),
            own_section=F("own__section"),
        )
        .filter(Q(pk__in=pks) | (Q(own__isnull=False) & ~Q(own__state__in=IssueItem.OUT)))
        .filter(status=Article.Status.PUBLISHED)
        .defer("body")
        .prefetch_related("topics", "authors")
        .order_by("pk")
    )
    return {article.pk: story_of(article, issue.newsletter.language) for article in articles}


def latest(newsletter_language: str, *, count: int, now: datetime) -> list[Story]:
    """The newest published articles in their own words, in the active language. 3 queries."""
    newest = Article.objects.published(now).defer("body").prefetch_related("topics", "authors")[:count]
    return [story_of(article, newsletter_language) for article in newest]


def absolute(path: str) -> str:
    """The public address of something on the site; an address elsewhere stays as it is."""
    return path if "://" in path else settings.SITE_URL + path


def story_of(article: Article, newsletter_language: str) -> Story:
    """The article in its own words for mails, or in the issue's if ``load`` found some."""
    language, direction = _language(article.language, newsletter_language)
    summary = _first(getattr(article, "own_summary", ""), article.newsletter_summary, article.summary)
    topic = one_line(next((topic.name for topic in article.topics.all()), ""))
    return Story(
        pk=article.pk,
        headline=_first(getattr(article, "own_title", ""), article.newsletter_title, article.title),
        summary=Truncator(summary).chars(SUMMARY_CHARACTERS),
        url=absolute(article.get_absolute_url()),
        label=_("Advertisement") if article.is_sponsored else topic,
        topic=getattr(article, "own_section", "") or topic,
        byline=_byline(article),
        is_sponsored=article.is_sponsored,
        language=language,
        direction=direction,
        picture=_picture(article.picture or article.thumbnail, article),
        thumbnail=_picture(article.thumbnail or article.picture, article),
    )


def _first(*texts: str | None) -> str:
    return next((line for text in texts if text and (line := one_line(text))), "")


def _language(article: str, newsletter: str) -> tuple[str, str]:
    if not article or article.partition("-")[0] == newsletter.partition("-")[0]:
        return "", ""
    try:
        is_bidi = bool(get_language_info(article)["bidi"])
    except KeyError:
        is_bidi = False
    return article, "rtl" if is_bidi else "ltr"


def _byline(article: Article) -> str:
    names = [one_line(author.name) for author in article.authors.all()]
    return _("By %(names)s") % {"names": get_text_list(names, _("and"))} if names else ""


def _picture(file: ImageFieldFile, article: Article) -> Picture | None:
    return picture_of(file, alt=article.picture_alt, credit=article.picture_credit)


def picture_of(file: ImageFieldFile, *, alt: str, credit: str = "") -> Picture | None:
    """None if there is none, or none that every mail program can show."""
    if not file or PurePosixPath(file.name or "").suffix.lower() not in MAILABLE_SUFFIXES:
        return None
    try:
        width, height = _dimensions(file.name or "")
    except (OSError, ValueError, SuspiciousOperation, Image.DecompressionBombError):
        return None
    return Picture(
        url=absolute(file.url),
        width=width,
        height=height,
        alt=one_line(alt),
        credit=one_line(credit),
    )


@lru_cache(maxsize=4096)
def _dimensions(name: str) -> tuple[int, int]:
    """Width and height in pixels of a stored picture. Raises what storage and Pillow raise; ValueError for none."""
    with default_storage.open(name) as file:
        width, height = get_image_dimensions(file)
    if not width or not height:
        raise ValueError(f"{name} is no picture")
    return width, height
