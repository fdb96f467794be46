"""The desk's pages for articles: the list, and the form."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RelatedDropdownFilter

from articles import outlook, pictures, roles, search_words, searching
from articles.admin.article_actions import ArticleActions
from articles.admin.article_form import ArticleForm
from articles.admin.article_pages import ArticlePages
from articles.admin.corrections import LackingDescriptionFilter, LearnsFromCorrections
from articles.desk import DaysFilter, ReadOnlyInline, action, display
from articles.models import Article, FeedEntry, WorkingCopy
from articles.writing import autosaving, comparing, revisions

MOST_STANDINGS = 3  # of an article in the list; its page tells all
STATUS_COLORS = {
    Article.Status.DRAFT: "default",
    Article.Status.IN_REVIEW: "warning",
    Article.Status.PUBLISHED: "success",
    Article.Status.WITHDRAWN: "danger",
}


class EntryInline(ReadOnlyInline[FeedEntry, Article]):
    model = FeedEntry
    fields = ["feed", "first_seen_at"]
    verbose_name_plural = gettext_lazy("where it was seen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedEntry]:
        return super().get_queryset(request).select_related("feed")


@admin.register(Article)
class ArticleAdmin(LearnsFromCorrections, ArticleActions, ArticlePages):
    form = ArticleForm
    list_display = ["headline", "shown_status", "shown_topics", "released_at", "shown_standings"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("topics", RelatedDropdownFilter),
        ("authors", AutocompleteSelectFilter),
        "is_mailable",
        "is_sponsored",
        LackingDescriptionFilter,
        ("released_at", DaysFilter),
    ]
    ordering = list(Article._meta.ordering or ())
    search_fields = ["title", "summary", "slug"]
    autocomplete_fields = ["topics", "authors"]
    readonly_fields = ["status", "first_seen_at", "released_at", "withdrawn_at", "updated_at"]
    inlines = [EntryInline]
    actions_detail = ["preview", "versions", "merge", "take_apart", "withdraw"]
    actions_submit_line = ["save_and_publish", "submit"]
    fieldsets = [
        (None, {"fields": ["status", "title", "summary", "body", "topics", "authors", "base", "copy_pk"]}),
        (
            gettext_lazy("Picture"),
            {"classes": ["tab"], "fields": ["picture", "picture_alt", "picture_credit"]},
        ),
        (
            gettext_lazy("In newsletters"),
            {"classes": ["tab"], "fields": ["is_mailable", "newsletter_title", "newsletter_summary", "is_sponsored"]},
        ),
        (
            gettext_lazy("Times"),
            {
                "classes": ["tab"],
                "fields": [
                    "embargo_until", "expires_at", "published_at", "first_seen_at", "released_at", "withdrawn_at",
                    "updated_at",
                ],
            },
        ),
        (gettext_lazy("Address and language"), {"classes": ["tab"], "fields": ["slug", "canonical_url", "language"]}),
    ]  # fmt: skip

    # --- who may what ---------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        articles: Any = super().get_queryset(request).prefetch_related("topics")
        return roles.visible_to(request.user, articles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        article = self._row(obj)
        return super().has_change_permission(request) and (article is None or roles.may_change(request.user, article))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        article = self._row(obj)
        return super().has_delete_permission(request) and (article is None or roles.may_delete(request.user, article))

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles.may_publish(request.user, self._row(obj))

    def has_withdraw_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        article = self._row(obj)
        is_out = article is None or article.status == Article.Status.PUBLISHED
        return is_out and roles.may_publish(request.user, article)

    def _row(self, obj: Article | str | int | None) -> Article | None:
        """Unfold asks with the id from the address."""
        if obj is None or isinstance(obj, Article):
            return obj
        return Article.objects.filter(pk=obj).first() if str(obj).isdecimal() else None

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        fixed = ["embargo_until"] if obj and obj.released_at else []  # it was promised to readers already
        return [*self.readonly_fields, *fixed]

    def get_fieldsets(self, request: HttpRequest, obj: Article | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        first, *rest = fieldsets  # who only looks has no form, and so not its own fields
        shown = [name for name in first[1]["fields"] if name not in {"base", "copy_pk"}]
        return [(first[0], {**first[1], "fields": shown}), *rest]

    def get_view_on_site_url(self, obj: Article | None = None) -> str | None:
        has_page = obj and obj.slug and obj.is_public(timezone.now())  # in the form the address may have been emptied
        return super().get_view_on_site_url(obj) if has_page else None

    def offered(self, row: Article) -> Collection[str]:
        offers = {
            Article.Status.DRAFT: ["save_and_publish", "submit"],
            Article.Status.IN_REVIEW: ["save_and_publish"],
            Article.Status.WITHDRAWN: ["save_and_publish"],
        }
        return offers.get(Article.Status(row.status), [])

    # --- the form -------------------------------------------------------------------------------------------------
    def get_form(self, request: HttpRequest, obj: Article | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change, **kwargs)
        copy = self._chosen_copy(request, obj)
        if copy is None:
            return form
        return type(form.__name__, (form,), {"working_values": copy.values, "working_base": copy.base})

    def _chosen_copy(self, request: HttpRequest, article: Article | None) -> WorkingCopy | None:
        """The unsaved work that the address asks for."""
        wanted = request.GET.get("copy", "")
        if request.method != "GET" or not wanted.isdecimal() or not request.user.is_authenticated:
            return None
        return WorkingCopy.objects.filter(pk=wanted, article=article, editor=request.user).first()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_changeform_initial_data(request), "copy_pk": request.GET.get("copy", "")}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        buttons = self._filter_unfold_actions_by_permissions(request, self._get_base_actions_submit_line())
        return super().add_view(request, form_url, {**(extra_context or {}), "actions_submit_line": buttons})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        article = kwargs.get("obj") or context.get("original")
        context["editing"] = self._editing(request, article, context["adminform"].form)
        return super().render_change_form(request, context, *args, **kwargs)

    def _editing(self, request: HttpRequest, article: Article | None, form: Any) -> dict[str, Any]:
        """What the page says around the form."""
        if not request.user.is_authenticated:
            return {}
        editor, now = request.user, timezone.now()
        is_working_copy = getattr(form, "working_values", None) is not None
        if article is None:
            texts = [] if is_working_copy or form.is_bound else autosaving.new_texts(editor)
            return {"new_texts": texts, "is_working_copy": is_working_copy}
        conflict = getattr(form, "conflict", None)
        typed = {name: form[name].value() for name in revisions.WORDS if name in form.fields} if conflict else {}
        return {
            "standings": outlook.standings(article, now=now),
            "unsaved": None if is_working_copy or form.is_bound else autosaving.copy_of(article, editor),
            "is_working_copy": is_working_copy,
            "others": autosaving.others(article=article, editor=editor, now=now),
            "conflict": comparing.changes(conflict, {**conflict, **typed}) if conflict else [],
            "may_change": roles.may_change(editor, article),
            "may_take_apart": roles.may_take_apart(editor, article),
        }

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:  # noqa: FBT001
        if change:
            revisions.note_found(obj, now=timezone.now())
        else:
            obj.created_by = request.user if request.user.is_authenticated else None
        if "picture" not in form.changed_data:
            super().save_model(request, obj, form, change)
            return
        upload, obj.picture = form.cleaned_data["picture"], form.initial.get("picture") or ""
        super().save_model(request, obj, form, change)
        obj.picture_url = ""  # a feed's own picture does not come back
        if upload:
            upload.seek(0)
            pictures.store_picture(obj, upload.read())
        else:
            obj.picture = ""
            pictures.make_thumbnail(obj)

    def after_saving(self, request: HttpRequest, form: Any) -> None:
        if not request.user.is_authenticated:
            return
        article = form.instance
        revisions.record(Article.objects.get(pk=article.pk), editor=request.user, now=timezone.now())
        autosaving.discard(editor=request.user, article=article)
        if copy_pk := form.cleaned_data.get("copy_pk"):
            autosaving.discard(editor=request.user, copy_pk=copy_pk)

    # --- the list -------------------------------------------------------------------------------------------------
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Article], search_term: str
    ) -> tuple[QuerySet[Article], bool]:
        """By the site's own index of words; an article's address finds it, too."""
        slug = search_term.strip().rstrip("/").rpartition("/")[2]
        if "/" in search_term:
            return queryset.filter(slug=slug), False
        words = search_words.words_of(search_term)
        articles: Any = queryset
        return (searching.matching(articles, words) if words else queryset), False

    @display(description=gettext_lazy("headline"), ordering="title", header=True)
    def headline(self, article: Article) -> list[Any]:
        title = article.title or _("untitled")
        if not article.thumbnail:
            return [title]
        picture = {"path": article.thumbnail.url, "squared": True, "height": 32, "width": 48, "borderless": True}
        return [title, "", "", picture]

    @display(description=gettext_lazy("status"), ordering="status", label=STATUS_COLORS)
    def shown_status(self, article: Article) -> tuple[str, str]:
        status = article.status or Article.Status.DRAFT
        if status == Article.Status.PUBLISHED and not article.is_public(timezone.now()):
            return Article.Status.IN_REVIEW, _("embargoed")
        if article.merged_into_id:
            return status, _("merged")
        return status, str(Article.Status(status).label)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With where the articles of this page stand in the newsletters."""
        changelist = super().get_changelist_instance(request)
        found = outlook.standings_in_list(changelist.result_list, now=timezone.now())
        for article in changelist.result_list:
            article.known_standings = found[article.pk]
        return changelist

    @display(description=gettext_lazy("in newsletters"))
    def shown_standings(self, article: Any) -> str:
        standings = article.known_standings
        context = {"standings": standings[:MOST_STANDINGS], "more": max(0, len(standings) - MOST_STANDINGS)}
        return render_to_string("admin/articles/article/_standings.html", context)

    @display(description=gettext_lazy("topics"))
    def shown_topics(self, article: Article) -> str:
        return ", ".join(topic.name for topic in article.topics.all())

    # --- buttons --------------------------------------------------------------------------------------------------
    @action(description=gettext_lazy("Save and publish"), icon="publish", permissions=["publish"])
    def save_and_publish(self, request: HttpRequest, article: Article) -> None:
        if article.publish(timezone.now()) and article.is_public(timezone.now()):
            messages.success(request, _("“%(title)s” is published.") % {"title": article.title})
        else:
            messages.info(request, _("“%(title)s” will appear when its embargo ends.") % {"title": article.title})

    @action(description=gettext_lazy("Save and submit for review"), icon="rate_review", permissions=["change"])
    def submit(self, request: HttpRequest, article: Article) -> None:
        if article.submit():
            messages.success(request, _("“%(title)s” waits for an editor to publish it.") % {"title": article.title})

    @action(
        description=gettext_lazy("Withdraw"), url_path="withdraw", icon="visibility_off", permissions=["withdraw"]
    )  # fmt: skip
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, and say what it will do to mails; its button does it."""
        article, now = self.row_or_404(request, object_id), timezone.now()
        if request.method != "POST":
            details = [
                _("The site says that it was withdrawn. It can be published again."),
                _("Browsers and caches that have it may show it for about two minutes more."),
                *outlook.effects_of_withdrawing(article, now=now),
            ]
            question = _("Withdraw this article?")
            return self.ask(request, article, question=question, details=details, verb=_("Withdraw"), is_dangerous=True)
        if article.withdraw(now):
            said = _("“%(title)s” is withdrawn from the site and from every mail that is not sent yet.")
            messages.success(request, said % {"title": article.title})
        return HttpResponseRedirect(reverse("admin:articles_article_change", args=[article.pk]))
