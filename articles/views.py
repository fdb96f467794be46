from __future__ import annotations

from typing import Any

from django.db.models import FETCH_RAISE
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from articles import syndication
from articles.front_page import lay_out
from articles.models import Article, ArticleQuerySet, Topic
from articles.reading import next_to_read

FRONT_PAGE_SIZE = 48
LIST_PAGE_SIZE = 24


@require_safe
@cache_control(public=True, max_age=60)
@conditional_page
def front(request: HttpRequest) -> HttpResponse:
    """The front page; with ?before= the list of what was released before that article."""
    if "before" in request.GET:
        return render(request, "articles/earlier.html", _page(request, Article.objects.published(timezone.now())))
    articles = list(_for_lists(Article.objects.published(timezone.now()))[: FRONT_PAGE_SIZE + 1])
    has_earlier = len(articles) > FRONT_PAGE_SIZE
    shown = articles[:FRONT_PAGE_SIZE]
    context = {"page": lay_out(shown), "earlier": shown[-1].pk if has_earlier else None}
    return render(request, "articles/front.html", context)


@require_safe
@cache_control(public=True, max_age=60)
@conditional_page
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    subject = get_object_or_404(Topic, slug=slug)
    articles = Article.objects.published(timezone.now()).filter(topics=subject)
    return render(request, "articles/topic.html", {"topic": subject, **_page(request, articles)})


@require_safe
@cache_control(public=True, max_age=60)
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """An article. It has no ETag: its sign-up form is new every time, and one revalidated for days would be too old."""
    now = timezone.now()
    found = _one(slug)
    if found and found.status == Article.Status.WITHDRAWN:
        return render(request, "articles/withdrawn.html", status=410)
    if not found or not found.is_public(now):
        raise Http404
    return render(request, "articles/article.html", {"article": found, "next": next_to_read(found, now=now)})


@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def feed(request: HttpRequest) -> HttpResponse:
    document = syndication.feed(now=timezone.now())
    headers = {"Last-Modified": http_date(document.changed_at.timestamp())}
    return HttpResponse(document.content, content_type="application/rss+xml; charset=utf-8", headers=headers)


@require_safe
@cache_control(public=True, max_age=3600)
@conditional_page
def sitemap(request: HttpRequest) -> HttpResponse:
    return HttpResponse(syndication.sitemap(now=timezone.now()), content_type="application/xml; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=86_400)
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse(syndication.robots(), content_type="text/plain; charset=utf-8")


def _one(slug: str) -> Article | None:
    return Article.objects.filter(slug=slug).fetch_mode(FETCH_RAISE).prefetch_related("topics", "authors").first()


def _for_lists(articles: ArticleQuerySet) -> ArticleQuerySet:
    """With all that a list of stories shows, and without the texts."""
    return articles.fetch_mode(FETCH_RAISE).defer("body").prefetch_related("topics", "authors")


def _page(request: HttpRequest, articles: ArticleQuerySet) -> dict[str, Any]:
    """One page of a list. Pages go by the last article seen, so that news coming in moves nothing twice."""
    before = request.GET.get("before")
    if before is not None:
        articles = articles.before(_anchor(before))
    found = list(_for_lists(articles)[: LIST_PAGE_SIZE + 1])
    shown = found[:LIST_PAGE_SIZE]
    earlier = shown[-1].pk if len(found) > LIST_PAGE_SIZE else None
    return {"articles": shown, "earlier": earlier, "is_first_page": before is None}


def _anchor(pk: str) -> Article:
    """The article that a page begins after. It may have been withdrawn since."""
    if not pk.isascii() or not pk.isdecimal() or len(pk) > 18:
        raise Http404
    return get_object_or_404(Article.objects.only("released_at").exclude(released_at=None), pk=pk)
