"""The newest articles for feed readers and other programs, as RSS 2.0, Atom 1.0 and JSON Feed 1.1."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import FETCH_RAISE, Max
from django.urls import reverse
from django.utils import feedgenerator
from django.utils.html import escape
from django.utils.translation import get_language, gettext

from articles import body_pictures
from articles.models import Article, Publication, Topic
from articles.sanitizing import clean_text

FEED_COUNT = 30
CONTENT_NAMESPACE = "http://purl.org/rss/1.0/modules/content/"
PERSONAL = ("/admin/", "/c/", "/o/", "/confirm/", "/preferences/", "/unsubscribe/", "/mailbox/")


@dataclass(frozen=True)
class Document:
    """What is sent, as what, and when it last changed."""

    content: bytes
    content_type: str
    changed_at: datetime


@dataclass(frozen=True)
class _Channel:
    """What a feed says of itself. Addresses are absolute."""

    title: str
    description: str
    page_url: str
    feed_url: str
    icon_url: str
    changed_at: datetime


def feed(kind: str, *, topic: Topic | None, path: str, now: datetime) -> Document:
    """The newest articles, or those on one topic. ``kind`` is rss, atom or json, ``path`` where it is. 6 queries."""
    published = Article.objects.published(now)
    chosen = published.filter(topics=topic) if topic else published
    articles = list(chosen.fetch_mode(FETCH_RAISE).prefetch_related("topics", "authors", "body_pictures")[:FEED_COUNT])
    publication = Publication.current()
    channel = _Channel(
        title=clean_text(f"{topic.name} – {publication.title}" if topic else publication.title),
        description=clean_text(topic.description if topic else publication.description)
        or gettext("The latest from %(site)s") % {"site": clean_text(publication.title)},
        page_url=absolute(topic.get_absolute_url() if topic else reverse("articles:front")),
        feed_url=absolute(path),
        icon_url=absolute(publication.logo.url) if publication.logo else "",
        changed_at=_changed_at(articles),
    )
    content_type, write = WRITERS[kind]
    return Document(write(channel, articles), f"{content_type}; charset=utf-8", channel.changed_at)


def robots() -> str:
    """Everything may be read; the personal links of mails are nobody else's business, and searches cost too much."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in (*PERSONAL, reverse("articles:search"))), ""]
    maps = [f"Sitemap: {absolute(reverse(f'articles:{name}'))}" for name in ("sitemap", "news_sitemap")]
    return "\n".join([*lines, *maps, ""])


def absolute(path: str) -> str:
    """From the configured site, never from the Host header."""
    return f"{settings.SITE_URL}{path}"


class _Rss(feedgenerator.Rss201rev2Feed):
    """RSS 2.0 with the whole text of every item (the content module of RSS 1.0)."""

    def root_attributes(self) -> dict[str, str]:
        return {**super().root_attributes(), "xmlns:content": CONTENT_NAMESPACE}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        if item["content"]:
            handler.addQuickElement("content:encoded", item["content"])

    def latest_post_date(self) -> datetime:
        """When the feed last changed; not the clock, so that an unchanged feed has the same bytes."""
        return self.feed["changed_at"]  # type: ignore[no-any-return]


class _Atom(feedgenerator.Atom1Feed):
    """Atom 1.0 with the whole text of every entry, and each entry's own language."""

    def item_attributes(self, item: dict[str, Any]) -> dict[str, str]:
        return {"xml:lang": item["language"]} if item["language"] else {}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        if item["content"]:
            handler.addQuickElement("content", item["content"], {"type": "html"})

    def latest_post_date(self) -> datetime:
        return self.feed["changed_at"]  # type: ignore[no-any-return]


def _xml_feed(generator: type[feedgenerator.SyndicationFeed]) -> Callable[[_Channel, Sequence[Article]], bytes]:
    def write(channel: _Channel, articles: Sequence[Article]) -> bytes:
        document = generator(
            title=channel.title,
            link=channel.page_url,
            feed_url=channel.feed_url,
            description=channel.description,
            subtitle=channel.description,
            language=get_language(),
            changed_at=channel.changed_at,
        )
        for article in articles:
            document.add_item(**_xml_item(article))
        return document.writeString("utf-8").encode()

    return write


def _xml_item(article: Article) -> dict[str, Any]:
    return {
        "title": clean_text(article.title),
        "link": absolute(article.get_absolute_url()),
        "unique_id": _id(article),
        "unique_id_is_permalink": False,
        "description": escape(clean_text(article.summary)),  # readers take it for HTML, and Atom's says so
        "content": _text(article),
        "language": article.language,
        "pubdate": article.released_at,
        "updateddate": _updated_at(article),
        "author_name": clean_text(", ".join(author.name for author in article.authors.all())) or None,
        "categories": [clean_text(topic.name) for topic in article.topics.all()],
        "enclosures": _enclosures(article),
    }


def _json_feed(channel: _Channel, articles: Sequence[Article]) -> bytes:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "description": channel.description,
        "home_page_url": channel.page_url,
        "feed_url": channel.feed_url,
        "icon": channel.icon_url,
        "language": get_language(),
    }
    filled = {name: value for name, value in document.items() if value}
    written = json.dumps({**filled, "items": [_json_item(article) for article in articles]}, ensure_ascii=False)
    return written.replace("<", "\\u003c").encode()  # whoever takes it for a page finds no tag in it


def _json_item(article: Article) -> dict[str, Any]:
    item = {
        "id": _id(article),
        "url": absolute(article.get_absolute_url()),
        "external_url": article.canonical_url,
        "title": clean_text(article.title),
        "content_html": _text(article) or escape(article.summary),  # which is no HTML
        "summary": clean_text(article.summary),
        "image": absolute(article.picture.url) if article.picture else "",
        "date_published": article.released_at.isoformat() if article.released_at else "",
        "date_modified": _updated_at(article).isoformat(),
        "authors": [
            {"name": author.name, "url": absolute(author.get_absolute_url())} for author in article.authors.all()
        ],
        "tags": [topic.name for topic in article.topics.all()],
        "language": article.language,
    }
    required = {"id", "content_html"}
    return {name: value for name, value in item.items() if value or name in required}


def _id(article: Article) -> str:
    return f"{settings.SITE_URL}/#article-{article.pk}"


def _text(article: Article) -> str:
    return body_pictures.html_for_others(article)


def _updated_at(article: Article) -> datetime:
    """Never before it came out: what was written long before counts from then."""
    return max(article.updated_at, article.released_at or article.updated_at)


def _enclosures(article: Article) -> list[feedgenerator.Enclosure]:
    if not article.picture:
        return []
    try:
        length = article.picture.size
    except OSError:  # the file is gone; the story is not
        return []
    mime_type = mimetypes.guess_type(article.picture.name or "")[0] or "application/octet-stream"
    return [feedgenerator.Enclosure(absolute(article.picture.url), str(length), mime_type)]


def _changed_at(articles: Sequence[Article]) -> datetime:
    """When one of them last appeared or changed, or any vanished; the epoch if there never was one."""
    withdrawn = Article.objects.withdrawn().aggregate(latest=Max("withdrawn_at"))["latest"]
    moments = [_updated_at(article) for article in articles] + ([withdrawn] if withdrawn else [])
    return max(moments, default=datetime.fromtimestamp(0, tz=UTC))


WRITERS = {
    "rss": ("application/rss+xml", _xml_feed(_Rss)),
    "atom": ("application/atom+xml", _xml_feed(_Atom)),
    "json": ("application/feed+json", _json_feed),
}
