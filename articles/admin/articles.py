"""The desk's pages for articles."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import linebreaks
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import (
    AutocompleteSelectMultipleFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.widgets import UnfoldAdminTextareaWidget

from articles import pictures
from articles.desk import DaysFilter, DeskAdmin, DeskForm, ReadOnlyInline, action, display, each, tell
from articles.models import Article, FeedEntry
from articles.sanitizing import clean_html

STATUS_COLORS = {
    Article.Status.DRAFT: "default",
    Article.Status.IN_REVIEW: "warning",
    Article.Status.PUBLISHED: "success",
    Article.Status.WITHDRAWN: "danger",
}
MARKUP = re.compile(
    r"</?(p|br|div|h[1-6]|ul|ol|li|a|em|strong|b|i|blockquote|figure|img|table|pre|script)\b", re.IGNORECASE
)


class ArticleForm(DeskForm[Article]):
    """Text may be typed plainly; pictures are decoded before anything is kept of them."""

    class Meta:
        model = Article
        exclude = ["status"]  # a status changes by what is done, never by hand
        widgets = {
            "summary": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "newsletter_summary": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }
        help_texts = {
            "body": gettext_lazy(
                "Plain text, with an empty line between paragraphs; or HTML: headings (h2), lists, links, quotes. "
                "What is unsafe is removed."
            ),
            "slug": gettext_lazy("The end of the article's address. Empty: made from the headline."),
            "newsletter_title": gettext_lazy("Empty: the headline above."),
            "newsletter_summary": gettext_lazy("Empty: the summary above."),
            "embargo_until": gettext_lazy("Publishing it earlier keeps it hidden until then."),
            "expires_at": gettext_lazy("No newsletter carries it after that."),
            "picture_alt": gettext_lazy("What one would say to somebody who cannot see it."),
            "canonical_url": gettext_lazy("Where it was published first, if that was elsewhere."),
            "language": gettext_lazy("As in “en” or “pt-br”. Empty: the site's."),
        }

    def clean_body(self) -> str:
        body = self.cleaned_data["body"].replace("\r\n", "\n")
        return clean_html(body if MARKUP.search(body) else linebreaks(body, autoescape=True))

    def clean_picture(self) -> Any:
        picture = self.cleaned_data["picture"]
        if picture and "picture" in self.changed_data:
            try:
                pictures.render(picture.read(pictures.MAX_BYTES + 1))
            except pictures.PictureError as error:
                raise forms.ValidationError(str(error)) from error
        return picture

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        has_new_picture = cleaned.get("picture") and "picture" in self.changed_data
        if has_new_picture and not cleaned.get("picture_alt"):
            self.add_error("picture_alt", _("Describe the picture in a few words, for readers who cannot see it."))
        return cleaned


class EntryInline(ReadOnlyInline[FeedEntry, Article]):
    model = FeedEntry
    fields = ["feed", "first_seen_at"]
    verbose_name_plural = gettext_lazy("where it was seen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedEntry]:
        return super().get_queryset(request).select_related("feed")


@admin.register(Article)
class ArticleAdmin(DeskAdmin[Article]):
    form = ArticleForm
    list_display = ["headline", "shown_status", "shown_topics", "released_at", "is_mailable"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("topics", RelatedDropdownFilter),
        ("authors", AutocompleteSelectMultipleFilter),
        "is_mailable",
        "is_sponsored",
        ("released_at", DaysFilter),
    ]
    search_fields = ["title", "summary", "slug"]
    date_hierarchy = "released_at"
    autocomplete_fields = ["topics", "authors"]
    readonly_fields = ["status", "first_seen_at", "released_at", "withdrawn_at", "updated_at"]
    inlines = [EntryInline]
    actions = ["publish_selected", "withdraw_selected"]
    actions_submit_line = ["save_and_publish", "withdraw"]
    fieldsets = [
        (None, {"fields": ["status", "title", "summary", "body", "topics", "authors"]}),
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        return super().get_queryset(request).prefetch_related("topics")

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        fixed = ["embargo_until"] if obj and obj.released_at else []  # it was promised to readers already
        return [*self.readonly_fields, *fixed]

    def get_view_on_site_url(self, obj: Article | None = None) -> str | None:
        return super().get_view_on_site_url(obj) if obj and obj.is_public(timezone.now()) else None

    def offered(self, row: Article) -> Collection[str]:
        return ["withdraw"] if row.status == Article.Status.PUBLISHED else ["save_and_publish"]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        buttons = [each for each in self._get_base_actions_submit_line() if each.path == "save_and_publish"]
        return super().add_view(request, form_url, {**(extra_context or {}), "actions_submit_line": buttons})

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:  # noqa: FBT001
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

    @display(description=gettext_lazy("headline"), ordering="title", header=True)
    def headline(self, article: Article) -> list[Any]:
        if not article.thumbnail:
            return [article.title]
        picture = {"path": article.thumbnail.url, "squared": True, "height": 32, "width": 48, "borderless": True}
        return [article.title, "", "", picture]

    @display(description=gettext_lazy("status"), ordering="status", label=STATUS_COLORS)
    def shown_status(self, article: Article) -> tuple[str, str]:
        status = article.status or Article.Status.DRAFT
        if status == Article.Status.PUBLISHED and not article.is_public(timezone.now()):
            return Article.Status.IN_REVIEW, _("embargoed")
        return status, str(Article.Status(status).label)

    @display(description=gettext_lazy("topics"))
    def shown_topics(self, article: Article) -> str:
        return ", ".join(topic.name for topic in article.topics.all())

    @action(description=gettext_lazy("Save and publish"), icon="publish")
    def save_and_publish(self, request: HttpRequest, article: Article) -> None:
        if article.publish(timezone.now()) and article.is_public(timezone.now()):
            messages.success(request, _("“%(title)s” is published.") % {"title": article.title})
        else:
            messages.info(request, _("“%(title)s” will appear when its embargo ends.") % {"title": article.title})

    @action(description=gettext_lazy("Withdraw"), icon="visibility_off")
    def withdraw(self, request: HttpRequest, article: Article) -> None:
        article.withdraw(timezone.now())
        messages.success(
            request,
            _("“%(title)s” is withdrawn from the site and from every mail that is not sent yet.")
            % {"title": article.title},
        )

    @admin.action(description=gettext_lazy("Publish"), permissions=["change"])
    def publish_selected(self, request: HttpRequest, rows: QuerySet[Article]) -> None:
        selected, now = each(rows), timezone.now()
        done = [article for article in selected if article.publish(now)]
        tell(request, done, said=_("published"), refused=_("%(count)d were published already."), total=len(selected))

    @admin.action(description=gettext_lazy("Withdraw from the site and from mails"), permissions=["change"])
    def withdraw_selected(self, request: HttpRequest, rows: QuerySet[Article]) -> None:
        selected, now = each(rows), timezone.now()
        done = [article for article in selected if article.withdraw(now)]
        tell(request, done, said=_("withdrawn"), refused=_("%(count)d were not published."), total=len(selected))
