"""What there is, for search engines (sitemaps.org), and what is new, for those that show news."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from io import BytesIO

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.xmlutils import SimplerXMLGenerator

from articles.models import Article, Author, Publication, Topic
from articles.sanitizing import clean_text
from articles.syndication import absolute

MOST_IN_A_FILE = 50_000  # the protocol's own limit
NEWS_WINDOW = timedelta(hours=48)
MOST_NEWS = 1_000
PLAIN = {"xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9"}
NEWS_NAMESPACE = "http://www.google.com/schemas/sitemap-news/0.9"


def index(*, now: datetime) -> bytes:
    """Where the sitemaps are. One query for each file."""
    paths = [reverse("articles:sitemap_of_pages")]
    paths += [reverse("articles:sitemap_of_articles", args=[number]) for number in _numbers(now)]
    return _document("sitemapindex", "sitemap", ({"loc": absolute(path)} for path in paths))


def pages(*, now: datetime) -> bytes:
    """The front page and every topic and author; an author's page says when it last got something. 2 queries."""
    paths = [reverse("articles:front"), reverse("articles:archive")]
    paths += [topic.get_absolute_url() for topic in Topic.objects.all()]
    paths += [author.get_absolute_url() for author in Author.objects.all()[: MOST_IN_A_FILE // 2]]
    return _document("urlset", "url", ({"loc": absolute(path)} for path in paths))


def articles(number: int, *, now: datetime) -> bytes | None:
    """The articles of one file, by their keys, so that old files stay as they are; None if it is empty. 1 query."""
    if number > 2**63 // MOST_IN_A_FILE:
        return None
    found = Article.objects.published(now).filter(pk__gt=number * MOST_IN_A_FILE, pk__lte=(number + 1) * MOST_IN_A_FILE)
    rows = found.order_by("pk").values_list("slug", "released_at", "updated_at")
    before, _slug, after = absolute(reverse("articles:article", args=["-"])).rpartition("-")
    entries = [
        {
            "loc": f"{before}{slug}{after}",
            "lastmod": max(released_at or updated_at, updated_at).isoformat(timespec="seconds"),
        }
        for slug, released_at, updated_at in rows.iterator(chunk_size=5_000)
    ]
    return _document("urlset", "url", entries) if entries else None


def news(*, now: datetime) -> bytes:
    """What came out in the last two days; advertisements are no news. 2 queries."""
    publication = Publication.current()
    fresh = Article.objects.published(now).filter(released_at__gt=now - NEWS_WINDOW, is_sponsored=False)
    rows = fresh.values_list("slug", "title", "language", "released_at")[:MOST_NEWS]
    entries = (
        {
            "loc": absolute(reverse("articles:article", args=[slug])),
            "news:news": {
                "news:publication": {
                    "news:name": clean_text(publication.title),
                    "news:language": _news_language(language or get_language() or "en"),
                },
                "news:publication_date": released_at.isoformat(timespec="seconds") if released_at else "",
                "news:title": clean_text(title),
            },
        }
        for slug, title, language, released_at in rows
    )
    return _document("urlset", "url", entries, namespaces={**PLAIN, "xmlns:news": NEWS_NAMESPACE})


def _numbers(now: datetime) -> Iterator[int]:
    """Of the files that have something in them."""
    last = 0
    while True:
        later = Article.objects.published(now).filter(Q(pk__gt=last)).order_by("pk")
        first = later.values_list("pk", flat=True).first()
        if first is None:
            return
        yield (number := (first - 1) // MOST_IN_A_FILE)
        last = (number + 1) * MOST_IN_A_FILE


def _news_language(code: str) -> str:
    """ISO 639, and the two Chinese ones as they are."""
    code = code.lower()
    return code if code in {"zh-cn", "zh-tw"} else code.partition("-")[0]


def _document(root: str, element: str, entries: Iterable[object], *, namespaces: Mapping[str, str] = PLAIN) -> bytes:
    file = BytesIO()
    xml = SimplerXMLGenerator(file, "utf-8")
    xml.startDocument()
    xml.startElement(root, dict(namespaces))  # type: ignore[arg-type]
    for entry in entries:
        _write(xml, element, entry)
    xml.endElement(root)
    xml.endDocument()
    return file.getvalue()


def _write(xml: SimplerXMLGenerator, element: str, entry: object) -> None:
    if not isinstance(entry, dict):
        xml.addQuickElement(element, str(entry))
        return
    xml.startElement(element, {})  # type: ignore[arg-type]
    for name, value in entry.items():
        _write(xml, name, value)
    xml.endElement(element)
