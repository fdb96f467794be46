from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import FETCH_RAISE, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from articles import archive as archives
from articles import look as looks
from articles import search_words, searching, sitemaps, syndication
from articles.caching import kept
from articles.front_page import lay_out
from articles.models import Article, ArticleQuerySet, Author, Topic
from articles.models.articles import SHOWN_IN_LISTS
from articles.reading import next_to_read

FRONT_PAGE_SIZE = 48
LIST_PAGE_SIZE = 24
YEARS = range(1, 10_000 - 1)


@require_safe
@kept(seconds=60)
def front(request: HttpRequest) -> HttpResponse:
    """The front page; with ?before= the list of what was released before that article."""
    if "before" in request.GET:
        return render(request, "articles/earlier.html", _page(request, Article.objects.published(timezone.now())))
    articles = list(_with_names(Article.objects.published(timezone.now()))[: FRONT_PAGE_SIZE + 1])
    has_earlier = len(articles) > FRONT_PAGE_SIZE
    shown = articles[:FRONT_PAGE_SIZE]
    context = {"page": lay_out(shown), "earlier": shown[-1].pk if has_earlier else None}
    return render(request, "articles/front.html", context)


@require_safe
@kept(seconds=60)
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    subject = get_object_or_404(Topic, slug=slug)
    articles = Article.objects.published(timezone.now()).filter(topics=subject)
    return render(request, "articles/topic.html", {"topic": subject, **_page(request, articles)})


@require_safe
@kept(seconds=60)
def author(request: HttpRequest, slug: str) -> HttpResponse:
    writer = get_object_or_404(Author, slug=slug)
    articles = Article.objects.published(timezone.now()).filter(authors=writer)
    return render(request, "articles/author.html", {"author": writer, **_page(request, articles)})


@require_safe
@kept(seconds=60)
def article(request: HttpRequest, slug: str) -> HttpResponse:
    now = timezone.now()
    found = _one(slug)
    if found and found.status == Article.Status.WITHDRAWN:
        return _withdrawn(request, found, now=now)
    if not found or not found.is_public(now):
        raise Http404
    following = next_to_read(found, now=now)
    prefetch_related_objects([found, *following], "topics", "authors")
    return render(request, "articles/article.html", {"article": found, "next": following})


@require_safe
@kept(seconds=60)
def search(request: HttpRequest) -> HttpResponse:
    """What has all the words of ?q=, best first."""
    text = request.GET.get("q", "").strip()[: search_words.MOST_CHARACTERS]
    words = search_words.words_of(text)
    context: dict[str, Any] = {"text": text, "words": words}
    if words:
        try:
            with searching.limited():
                context |= _page_of_results(request, searching.best(words, now=timezone.now()))
        except searching.TooCostly:
            context["is_too_costly"] = True
    return render(request, "articles/search.html", context)


@require_safe
@kept(seconds=300, here=300)
def archive(request: HttpRequest) -> HttpResponse:
    return render(request, "articles/archive.html", {"years": archives.years(now=timezone.now())})


@require_safe
@kept(seconds=60)
def month(request: HttpRequest, year: int, month: int) -> HttpResponse:
    if year not in YEARS or month not in range(1, 13):
        raise Http404
    first_day, now = date(year, month, 1), timezone.now()
    page = _page(request, archives.of_month(first_day, now=now))
    if not page["articles"] and page["is_first_page"]:
        raise Http404
    before, after = archives.neighbors(first_day, now=now)
    return render(request, "articles/month.html", {"month": first_day, "before": before, "after": after, **page})


# --- for machines -----------------------------------------------------------------------------------------------------


@require_safe
@kept(seconds=300)
def feed(request: HttpRequest, kind: str) -> HttpResponse:
    return _feed(request, kind, None)


@require_safe
@kept(seconds=300)
def topic_feed(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    return _feed(request, kind, get_object_or_404(Topic, slug=slug))


@require_safe
@kept(seconds=3600)
def sitemap(request: HttpRequest) -> HttpResponse:
    return _xml(sitemaps.index(now=timezone.now()))


@require_safe
@kept(seconds=3600)
def sitemap_of_pages(request: HttpRequest) -> HttpResponse:
    return _xml(sitemaps.pages(now=timezone.now()))


@require_safe
@kept(seconds=3600, here=0)
def sitemap_of_articles(request: HttpRequest, number: int) -> HttpResponse:
    document = sitemaps.articles(number, now=timezone.now())
    if document is None:
        raise Http404
    return _xml(document)


@require_safe
@kept(seconds=300)
def news_sitemap(request: HttpRequest) -> HttpResponse:
    return _xml(sitemaps.news(now=timezone.now()))


@require_safe
@kept(seconds=86_400)
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse(syndication.robots(), content_type="text/plain; charset=utf-8")


@require_safe
def look(request: HttpRequest, accent: str, typeface: str) -> HttpResponse:
    """The publication's colors and type as a stylesheet. Its address says all that is in it."""
    css = looks.stylesheet(accent, typeface)
    if css is None:
        raise Http404
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return HttpResponse(css, content_type="text/css; charset=utf-8", headers=headers)


def _feed(request: HttpRequest, kind: str, subject: Topic | None) -> HttpResponse:
    document = syndication.feed(kind, topic=subject, path=request.path, now=timezone.now())
    headers = {"Last-Modified": http_date(document.changed_at.timestamp())}
    return HttpResponse(document.content, content_type=document.content_type, headers=headers)


def _xml(document: bytes) -> HttpResponse:
    return HttpResponse(document, content_type="application/xml; charset=utf-8")


def _withdrawn(request: HttpRequest, article: Article, *, now: datetime) -> HttpResponse:
    """A merged article's readers are led to the one that stayed."""
    stayed = (
        Article.objects.published(now).filter(pk=article.merged_into_id).first() if article.merged_into_id else None
    )
    if stayed:
        return HttpResponsePermanentRedirect(stayed.get_absolute_url())
    return render(request, "articles/withdrawn.html", status=410)


def _one(slug: str) -> Article | None:
    return Article.objects.filter(slug=slug).fetch_mode(FETCH_RAISE).order_by().first()  # there is one at most


def _with_names(articles: ArticleQuerySet) -> ArticleQuerySet:
    return articles.for_lists().prefetch_related("topics", "authors")


def _page(request: HttpRequest, articles: ArticleQuerySet) -> dict[str, Any]:
    """One page of a list. Pages go by the last article seen, so that news coming in moves nothing twice."""
    before = request.GET.get("before")
    if before is not None:
        articles = articles.before(_anchor(before))
    found = list(_with_names(articles)[: LIST_PAGE_SIZE + 1])
    shown = found[:LIST_PAGE_SIZE]
    earlier = shown[-1].pk if len(found) > LIST_PAGE_SIZE else None
    return {"articles": shown, "earlier": earlier, "is_first_page": before is None}


def _page_of_results(request: HttpRequest, found: list[int]) -> dict[str, Any]:
    """The texts come along, for the passages that are shown."""
    number = _page_number(request)
    chosen = found[(number - 1) * LIST_PAGE_SIZE : number * LIST_PAGE_SIZE]
    rows = Article.objects.for_lists().only(*SHOWN_IN_LISTS, "body").prefetch_related("topics", "authors")
    shown = rows.in_bulk(chosen)
    return {
        "articles": [shown[pk] for pk in chosen if pk in shown],
        "page_number": number,
        "next_page": number + 1 if len(found) > number * LIST_PAGE_SIZE else None,
    }


def _page_number(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    if not number.isascii() or not number.isdecimal() or len(number) > 4 or not int(number):
        raise Http404
    return int(number)


def _anchor(pk: str) -> Article:
    """The article that a page begins after. It may have been withdrawn since."""
    if not pk.isascii() or not pk.isdecimal() or len(pk) > 18:
        raise Http404
    return get_object_or_404(Article.objects.only("released_at").exclude(released_at=None), pk=pk)
