"""What machines read: the RSS feed, the sitemap, and what crawlers are told."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db.models import FETCH_RAISE, Max, Q
from django.urls import reverse
from django.utils import feedgenerator
from django.utils.translation import get_language, gettext
from django.utils.xmlutils import SimplerXMLGenerator

from articles.models import Article, Topic
from articles.sanitizing import clean_html

FEED_COUNT = 30
SITEMAP_COUNT = 45_000  # the protocol allows 50,000 addresses in a file
CONTENT_NAMESPACE = "http://purl.org/rss/1.0/modules/content/"


class FullTextFeed(feedgenerator.Rss201rev2Feed):
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


@dataclass(frozen=True)
class Document:
    """What is sent, and when it last changed."""

    content: bytes
    changed_at: datetime


def feed(*, now: datetime) -> Document:
    """The newest articles as RSS 2.0. 4 queries."""
    articles = Article.objects.published(now).fetch_mode(FETCH_RAISE).prefetch_related("topics", "authors")
    changed_at = _changed_at(now)
    document = FullTextFeed(
        title=settings.SITE_NAME,
        link=absolute(reverse("articles:front")),
        feed_url=absolute(reverse("articles:feed")),
        description=gettext("The latest from %(site)s") % {"site": settings.SITE_NAME},
        language=get_language(),
        changed_at=changed_at,
    )
    for article in articles[:FEED_COUNT]:
        document.add_item(**_item(article))
    return Document(document.writeString("utf-8").encode(), changed_at)


def sitemap(*, now: datetime) -> bytes:
    """Every public page of this part, for search engines. 2 queries."""
    file = BytesIO()
    xml = SimplerXMLGenerator(file, "utf-8")
    xml.startDocument()
    xml.startElement("urlset", {"xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9"})  # type: ignore[arg-type]
    for path, changed_at in _pages(now):
        xml.startElement("url", {})  # type: ignore[arg-type]
        xml.addQuickElement("loc", absolute(path))
        if changed_at:
            xml.addQuickElement("lastmod", changed_at.isoformat(timespec="seconds"))
        xml.endElement("url")
    xml.endElement("urlset")
    xml.endDocument()
    return file.getvalue()


def robots() -> str:
    """Everything may be read; the personal links of mails are nobody else's business."""
    personal = ["/admin/", "/c/", "/o/", "/confirm/", "/preferences/", "/unsubscribe/", "/mailbox/"]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in personal), ""]
    return "\n".join([*lines, f"Sitemap: {absolute(reverse('articles:sitemap'))}\n"])


def absolute(path: str) -> str:
    """From the configured site, never from the Host header."""
    return f"{settings.SITE_URL}{path}"


def _item(article: Article) -> dict[str, Any]:
    link = absolute(article.get_absolute_url())
    return {
        "title": article.title,
        "link": link,
        "unique_id": f"{settings.SITE_URL}/#article-{article.pk}",
        "unique_id_is_permalink": False,
        "description": article.summary,
        "content": clean_html(article.body, base_url=f"{settings.SITE_URL}/"),
        "pubdate": article.released_at,
        "author_name": ", ".join(author.name for author in article.authors.all()) or None,
        "categories": [topic.name for topic in article.topics.all()],
        "enclosures": _enclosures(article),
    }


def _enclosures(article: Article) -> list[feedgenerator.Enclosure]:
    if not article.picture:
        return []
    try:
        length = article.picture.size
    except OSError:  # the file is gone; the story is not
        return []
    mime_type = mimetypes.guess_type(article.picture.name or "")[0] or "application/octet-stream"
    return [feedgenerator.Enclosure(absolute(article.picture.url), str(length), mime_type)]


def _changed_at(now: datetime) -> datetime:
    """When an article last appeared, changed or vanished; the epoch if there never was one."""
    released = Q(released_at__lte=now)
    latest = Article.objects.aggregate(
        updated=Max("updated_at", filter=released),
        released=Max("released_at", filter=released),
        withdrawn=Max("withdrawn_at"),
    )
    return max((moment for moment in latest.values() if moment), default=datetime.fromtimestamp(0, tz=now.tzinfo))


def _pages(now: datetime) -> Iterator[tuple[str, datetime | None]]:
    yield reverse("articles:front"), None
    for slug in Topic.objects.values_list("slug", flat=True):
        yield reverse("articles:topic", args=[slug]), None
    articles = Article.objects.published(now).values_list("slug", "released_at", "updated_at")[:SITEMAP_COUNT]
    for slug, released_at, updated_at in articles.iterator():
        yield reverse("articles:article", args=[slug]), max(released_at or updated_at, updated_at)
