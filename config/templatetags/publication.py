"""What the templates of every public page need: the masthead, dates, and the language of a text."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import get_text_list
from django.utils.translation import get_language, get_language_info, gettext

from articles.models import Article, Topic
from articles.sanitizing import clean_html, images_of, without_image
from newsletter.lib import dates
from newsletter.subscribers.models import Newsletter

register = template.Library()


@register.simple_tag
def topics() -> list[Topic]:
    """Every topic, in the editor's order."""
    return list(Topic.objects.all())


@register.simple_tag
def publication_name() -> str:
    """For the pages that Django renders without a context (400 and 500)."""
    return settings.SITE_NAME


@register.simple_tag
def today() -> datetime:
    """Now, in the publication's time zone."""
    return timezone.localtime()


@register.simple_tag
def text_language(text: Article | Newsletter) -> SafeString | str:
    """``lang`` and ``dir`` attributes for what is not in the page's language."""
    language = text.language
    if not language or language.split("-")[0] == (get_language() or "").split("-")[0]:
        return ""
    return format_html(' lang="{}" dir="{}"', language, _direction(language))


@register.simple_tag
def byline(article: Article) -> str:
    """The by-line: By A, B and C; empty if nobody is named."""
    names = [author.name for author in article.authors.all()]
    return gettext("By %(names)s") % {"names": get_text_list(names, gettext("and"))} if names else ""


@register.filter
def article_html(html: str) -> SafeString:
    """The text of an article, cleaned once more on its way out: it may be older than our rules.

    Pictures from elsewhere are left out: a page asks no third party for anything, and its policy would block them.
    """
    cleaned = clean_html(html, base_url=f"{settings.SITE_URL}/")
    for source in {image["src"] for image in images_of(cleaned)}:
        if not source.startswith(f"{settings.SITE_URL}/"):
            cleaned = without_image(cleaned, source)
    return mark_safe(cleaned.replace(f'src="{settings.SITE_URL}/', 'src="/'))  # noqa: S308 (clean_html made it safe)


@register.filter
def host(url: str) -> str:
    """``example.org`` of ``https://www.example.org/story``: what people call a site."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


@register.filter
def folio_date(moment: datetime) -> str:
    return dates.folio_date(moment)


@register.filter
def full_date(moment: datetime) -> str:
    return dates.full_date(moment)


@register.filter
def news_time(moment: datetime | None) -> str:
    """The hour for what came today, the date for everything older."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return date_format(local, "TIME_FORMAT") if local.date() == timezone.localdate() else dates.full_date(local)


def _direction(language: str) -> str:
    try:
        return "rtl" if get_language_info(language)["bidi"] else "ltr"
    except KeyError:
        return "auto"
