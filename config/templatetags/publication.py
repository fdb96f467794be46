"""What the templates of every public page need: the masthead, dates, and the language of a text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, Protocol
from urllib.parse import urlsplit

from django import template
from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import get_text_list
from django.utils.translation import get_language, get_language_info, gettext

from articles import body_pictures, pictures, structured
from articles.models import Article, Author, Publication
from articles.models.publication import site_name_without_database
from newsletter.lib import dates

NOT_IN_SCRIPTS = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}

register = template.Library()


class Written(Protocol):
    """Something in a language: an IETF tag, or "" for the page's own."""

    @property
    def language(self) -> str: ...


@register.simple_tag
def publication_name() -> str:
    """For the pages that Django renders without a context (400 and 500), perhaps because the database is down."""
    return site_name_without_database()


@register.simple_tag
def today() -> datetime:
    """Now, in the publication's time zone."""
    return timezone.localtime()


@register.simple_tag
def text_language(text: Written) -> SafeString | str:
    """``lang`` and ``dir`` attributes for what is not in the page's language."""
    language = text.language
    if not language or language.split("-")[0] == (get_language() or "").split("-")[0]:
        return ""
    return format_html(' lang="{}" dir="{}"', language, _direction(language))


@register.simple_tag
def byline(names: Sequence[str]) -> str:
    """The by-line: By A, B and C; empty if nobody is named."""
    return gettext("By %(names)s") % {"names": get_text_list(list(names), gettext("and"))} if names else ""


@register.simple_tag
def linked_byline(article: Article) -> SafeString | str:
    """The by-line, with every name a link to what else they wrote."""
    links = [format_html('<a href="{}">{}</a>', each.get_absolute_url(), each.name) for each in article.authors.all()]
    if not links:
        return ""
    last = format_html(" {} ", gettext("and"))
    names = last.join(filter(None, [format_html_join(", ", "{}", ((link,) for link in links[:-1])), links[-1]]))
    return format_html(gettext("By %(names)s") % {"names": "{}"}, mark_safe(names))  # noqa: S308 (made of safe pieces)


@register.simple_tag(takes_context=True)
def structured_data(context: template.Context, about: Article | Author | Publication) -> SafeString:
    """JSON-LD in an element of its own. Browsers do not run it, so the content security policy does not ask for it."""
    if isinstance(about, Article):
        said = structured.news_article(about, context["publication"], language=get_language() or "")
    elif isinstance(about, Author):
        said = structured.profile(about, context["publication"])
    else:
        said = structured.website(about)
    return json_ld(said)


@register.simple_tag
def json_ld(said: Mapping[str, Any]) -> SafeString:
    """The same of what a view has put together."""
    text = json.dumps(said, ensure_ascii=False).translate(NOT_IN_SCRIPTS)
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308 (nothing ends the element)


@register.filter
def article_html(article: Article) -> SafeString:
    """The text of an article, cleaned once more on its way out: it may be older than our rules.

    Its pictures are our copies; those from elsewhere are left out.
    """
    return mark_safe(body_pictures.html_for_page(article))  # noqa: S308 (clean_html made it safe)


@register.filter
def srcset(name: str) -> str:
    """The sizes in which a stored picture can be had, with their addresses; empty if there is only one."""
    copies = pictures.copies_of(default_storage.url(name)) if name else None
    return copies.srcset if copies else ""


@register.filter
def stored_url(name: str) -> str:
    """Where browsers find a stored picture."""
    return default_storage.url(name)


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
def hour_of_day(moment: datetime | time) -> str:
    return dates.hour_of_day(moment)


@register.filter
def machine_time(moment: datetime | None) -> str:
    """For ``datetime`` attributes, which take no microseconds."""
    return moment.isoformat(timespec="seconds") if moment else ""


@register.filter
def news_time(moment: datetime | None) -> str:
    """The hour for what came today, the date for everything older."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return dates.hour_of_day(local) if local.date() == timezone.localdate() else dates.full_date(local)


def _direction(language: str) -> str:
    try:
        return "rtl" if get_language_info(language)["bidi"] else "ltr"
    except KeyError:
        return "auto"
