"""The pages on which an article takes in its duplicate, and on which the two are taken apart again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles import roles
from articles.desk import action
from articles.long_lists import LongListAdmin
from articles.models import Article
from articles.writing import merging

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class MergingPages(LongListAdmin[Article]):
    """Merging, for the article's admin class."""

    @action(description=gettext_lazy("Merge a duplicate"), url_path="merge", icon="merge", permissions=["publish"])
    def merge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Choose the duplicate of this article; it leads here from then on."""
        article = self._changeable(request, object_id)
        if not roles.may_publish(request.user, article):
            raise PermissionDenied
        if request.method == "POST":
            return self._merge(request, article)
        query = request.GET.get("q", "").strip()
        found = self.get_search_results(request, self.get_queryset(request), query)[0] if query else None
        others = found.exclude(pk=article.pk).filter(merged_into=None)[:20] if found is not None else None
        context = {
            "article": article, "query": query, "likely": merging.likely_duplicates(article), "others": others,
        }  # fmt: skip
        return self._page(request, article, "merge", _("Merge a duplicate"), context)

    def _merge(self, request: HttpRequest, article: Article) -> HttpResponse:
        chosen = request.POST.get("duplicate", "")
        duplicate = Article.objects.filter(pk=chosen).first() if chosen.isdecimal() else None
        if duplicate is None:
            messages.error(request, _("Choose the article that says the same."))
            return HttpResponseRedirect(request.get_full_path())
        if not roles.may_publish(request.user, duplicate):
            raise PermissionDenied
        try:
            merging.merge(duplicate=duplicate, into=article, editor=editor_of(request), now=timezone.now())
        except merging.CannotMerge as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())
        messages.success(
            request,
            _("“%(gone)s” leads here now. Who was sent it does not get this one, too.") % {"gone": duplicate.title},
        )
        return HttpResponseRedirect(reverse("admin:articles_article_change", args=[article.pk]))

    @action(
        description=gettext_lazy("Take apart"), url_path="take-apart", icon="call_split", permissions=["take_apart"]
    )  # fmt: skip
    def take_apart(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then let a merged article stand on its own again."""
        article = self._visible(request, object_id)
        kept = article.merged_into
        if kept is None or not roles.may_take_apart(request.user, article):
            raise PermissionDenied
        if request.method != "POST":
            names = {"title": article.title, "kept": kept.title}
            details = [
                _("It is again what it was before it was merged, with its own sources and its own address."),
                _("Topics that “%(kept)s” got from it go, unless somebody chose them since.") % names,
                _("Who was sent one of the two may be sent the other."),
            ]
            question = _("Take “%(title)s” and “%(kept)s” apart?") % names
            return self.ask(request, article, question=question, details=details, verb=_("Take them apart"))
        merging.take_apart(article, editor=editor_of(request), now=timezone.now())
        messages.success(request, _("“%(title)s” stands on its own again.") % {"title": article.title})
        return HttpResponseRedirect(reverse("admin:articles_article_change", args=[article.pk]))

    def has_take_apart_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        article = obj if isinstance(obj, Article) else Article.objects.filter(pk=obj).first() if obj else None
        return article is not None and roles.may_take_apart(request.user, article)

    # --- what they share ------------------------------------------------------------------------------------------
    def _visible(self, request: HttpRequest, pk: str | int) -> Article:
        """Raises Http404 for what this person may not see, so that they cannot learn what there is."""
        article = Article.objects.filter(pk=pk).first() if str(pk).isdecimal() else None
        if article is None or not roles.may_see(request.user, article):
            raise Http404
        return article

    def _changeable(self, request: HttpRequest, pk: str | int) -> Article:
        article = self._visible(request, pk)
        if not roles.may_change(request.user, article):
            raise PermissionDenied
        return article

    def _page(
        self, request: HttpRequest, article: Article, name: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "original": article}
        return TemplateResponse(request, f"admin/articles/article/{name}.html", {**shared, **context})


def editor_of(request: HttpRequest) -> User:
    """Whoever is logged in. Raises PermissionDenied."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user
