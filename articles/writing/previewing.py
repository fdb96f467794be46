"""An article as readers will see it, before they do; with what was typed and is not saved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from articles import outlook
from articles.models import Article, Author, Topic, WorkingCopy
from articles.sanitizing import clean_html

PLAIN_FIELDS = (
    "title", "summary", "body", "newsletter_title", "newsletter_summary", "picture_alt", "picture_credit", "language",
    "canonical_url", "is_sponsored",
)  # fmt: skip
SITE = "site"


def typed(copy: WorkingCopy, form_class: type[Any]) -> Article:
    """The article with the working copy's values, not saved (a new one has the id 0). What is not valid is left out."""
    values = QueryDict(mutable=True)
    for name, texts in copy.values.items():
        values.setlist(name, texts)
    article = Article.objects.get(pk=copy.article_id) if copy.article_id else Article(pk=0, slug="preview")
    form = form_class(values, instance=Article(pk=None))
    form.full_clean()
    cleaned = form.cleaned_data
    for name in PLAIN_FIELDS:
        if name in cleaned:
            setattr(article, name, cleaned[name])
    for name, model in (("topics", Topic), ("authors", Author)):
        pks = [row.pk for row in cleaned.get(name, [])]
        prefetched = article.__dict__.setdefault("_prefetched_objects_cache", {})
        prefetched[name] = model._default_manager.filter(pk__in=pks)
    return article


def frame(request: HttpRequest, article: Article, *, now: datetime) -> HttpResponse:
    """The page that ``?as=`` names: the site's, or a newsletter's mail. Raises Http404."""
    key = request.GET.get("as", SITE)
    if key == SITE:
        article.released_at = article.released_at or now
        article.updated_at = article.updated_at or now
        article.body = clean_html(article.body)
        return render(request, "articles/article.html", {"article": article, "next": [], "is_preview": True})
    mail = next((mail for mail in outlook.mail_previews(article) if mail.key == key), None)
    if mail is None:
        raise Http404
    return HttpResponse(mail.html)
