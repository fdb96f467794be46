"""The desk's pages for what there is to read."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import linebreaks
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import (
    AutocompleteSelectMultipleFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.widgets import UnfoldAdminTextareaWidget

from articles import pictures, tasks
from articles.desk import DaysFilter, DeskAdmin, DeskForm, ReadOnlyInline, action, display, each, tell
from articles.models import Article, Author, Feed, FeedEntry, Topic
from articles.sanitizing import clean_html

STATUS_COLORS = {
    Article.Status.DRAFT: "default",
    Article.Status.IN_REVIEW: "warning",
    Article.Status.PUBLISHED: "success",
    Article.Status.WITHDRAWN: "danger",
}
FEED_COLORS = {Feed.Status.ACTIVE: "success", Feed.Status.PAUSED: "warning", Feed.Status.GONE: "danger"}
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


@admin.register(Topic)
class TopicAdmin(DeskAdmin[Topic]):
    list_display = ["name", "description", "article_count"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    ordering = ["position", "name", "pk"]
    ordering_field = "position"
    hide_ordering_field = True
    fields = ["name", "slug", "description"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        return super().get_queryset(request).annotate(article_count=Count("articles"))

    @display(description=gettext_lazy("articles"), ordering="article_count")
    def article_count(self, topic: Any) -> int:
        return int(topic.article_count)


@admin.register(Author)
class AuthorAdmin(DeskAdmin[Author]):
    list_display = ["name", "article_count"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Author]:
        return super().get_queryset(request).annotate(article_count=Count("articles"))

    @display(description=gettext_lazy("articles"), ordering="article_count")
    def article_count(self, author: Any) -> int:
        return int(author.article_count)


@admin.register(Feed)
class FeedAdmin(DeskAdmin[Feed]):
    list_display = ["name", "shown_status", "shown_health", "last_success_at", "last_new_at", "next_poll_at"]
    list_filter = [("status", ChoicesDropdownFilter), "is_trusted", ("topics", RelatedDropdownFilter)]
    search_fields = ["title", "url"]
    autocomplete_fields = ["topics"]
    readonly_fields = [
        "status", "failure_count", "next_poll_at", "last_polled_at", "last_success_at", "last_new_at",
        "last_error",
    ]  # fmt: skip
    actions = ["poll_selected", "pause_selected", "resume_selected"]
    actions_submit_line = ["save_and_poll"]
    add_fieldsets = [(None, {"fields": ["url", "title", "is_trusted", "topics", "poll_minutes"]})]
    fieldsets = [
        (None, {"fields": ["url", "title", "site_url", "is_trusted", "topics", "poll_minutes"]}),
        (
            gettext_lazy("How it goes"),
            {
                "fields": [
                    "status", "failure_count", "last_polled_at", "last_success_at", "last_new_at", "next_poll_at",
                    "last_error",
                ]
            },
        ),
    ]  # fmt: skip

    def offered(self, row: Feed) -> Collection[str]:
        return ["save_and_poll"] if row.status == Feed.Status.ACTIVE else []

    @display(description=gettext_lazy("feed"), ordering="title", header=True)
    def name(self, feed: Feed) -> list[str]:
        return [feed.title or feed.url, feed.url if feed.title else ""]

    @display(description=gettext_lazy("status"), ordering="status", label=FEED_COLORS)
    def shown_status(self, feed: Feed) -> tuple[str, str]:
        return feed.status, feed.get_status_display()

    @display(description=gettext_lazy("health"), ordering="failure_count", label={"well": "success", "ill": "danger"})
    def shown_health(self, feed: Feed) -> tuple[str, str]:
        if feed.failure_count:
            failed = ngettext("%(count)d failure", "%(count)d failures in a row", feed.failure_count)
            return "ill", failed % {"count": feed.failure_count}
        return ("well", _("well")) if feed.last_success_at else ("new", _("not asked yet"))

    @action(description=gettext_lazy("Save and poll now"), icon="sync")
    def save_and_poll(self, request: HttpRequest, feed: Feed) -> None:
        _poll_soon([feed])
        messages.success(request, _("“%(feed)s” is being asked for news.") % {"feed": feed})

    @admin.action(description=gettext_lazy("Poll now"), permissions=["change"])
    def poll_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        selected = each(rows)
        done = [feed for feed in selected if feed.status == Feed.Status.ACTIVE]
        _poll_soon(done)
        tell(request, done, said=_("being asked for news"), refused=_("%(count)d are not active."), total=len(selected))

    @admin.action(description=gettext_lazy("Pause"), permissions=["change"])
    def pause_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        count = rows.filter(status=Feed.Status.ACTIVE).update(status=Feed.Status.PAUSED)
        messages.success(
            request, ngettext("%(count)d feed paused.", "%(count)d feeds paused.", count) % {"count": count}
        )

    @admin.action(description=gettext_lazy("Resume"), permissions=["change"])
    def resume_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        waiting = rows.exclude(status=Feed.Status.ACTIVE)
        count = waiting.update(status=Feed.Status.ACTIVE, next_poll_at=timezone.now())
        messages.success(
            request, ngettext("%(count)d feed resumed.", "%(count)d feeds resumed.", count) % {"count": count}
        )


def _poll_soon(feeds: list[Feed]) -> None:
    """Make them due and ring; a broker that is away costs a moment only, for the sweep finds them as well."""
    Feed.objects.filter(pk__in=[feed.pk for feed in feeds]).update(next_poll_at=timezone.now())
    for feed in feeds:
        ring = partial(tasks.poll_feed.apply_async, kwargs={"feed_id": feed.pk}, retry=False)
        transaction.on_commit(ring, robust=True)
