"""The pages of ``site_plain``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import path

from articles.models import Article

STORY = """<article><h2><a href="/articles/{{ story.slug }}/">{{ story.title }}</a></h2>
{% for topic in story.topics.all %}<span>{{ topic }}</span>{% endfor %}
<p>{{ story.summary }}</p><p>{% for author in story.authors.all %}{{ author }} {% endfor %}{{ story.released_at }}</p>
</article>"""
FRONT = f"<!doctype html><title>News</title>{{% for story in stories %}}{STORY}{{% endfor %}}"
ARTICLE = f"<!doctype html><title>{{{{ story.title }}}}</title>{STORY}{{{{ story.body|safe }}}}"


def front(request: HttpRequest) -> HttpResponse:
    stories = Article.objects.filter(status="published").order_by("-released_at")[:48]
    return HttpResponse(Template(FRONT).render(Context({"stories": stories})))


def article(request: HttpRequest, slug: str) -> HttpResponse:
    return HttpResponse(Template(ARTICLE).render(Context({"story": Article.objects.get(slug=slug)})))


urlpatterns = [path("", front), path("articles/<slug:slug>/", article)]
