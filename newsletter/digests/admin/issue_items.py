"""The stories on the page of an issue's settings."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.forms import Field
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from articles.desk import TabularInline, display
from newsletter.digests.desk_forms import ItemForm
from newsletter.digests.models import Issue, IssueItem


def as_shown(field: Field | None) -> Field | None:
    """With what the page showed: changed is what was changed there, not what somebody else changed meanwhile."""
    if field is not None:
        field.show_hidden_initial = True
    return field


class ItemInline(TabularInline[IssueItem, Issue]):
    model = IssueItem
    form = ItemForm
    extra = 0
    can_delete = False
    ordering_field = "position"
    hide_ordering_field = True
    show_title = False
    fields = ["headline", "state", "title", "summary", "position"]
    readonly_fields = ["headline"]
    verbose_name_plural = gettext_lazy("in this issue, in this order")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Field | None:
        return as_shown(super().formfield_for_dbfield(db_field, request, **kwargs))

    def get_queryset(self, request: HttpRequest) -> QuerySet[IssueItem]:
        return super().get_queryset(request).select_related("article", "issue__newsletter").order_by("position", "pk")

    @display(description=gettext_lazy("article"))
    def headline(self, item: IssueItem) -> str:
        article = item.article
        url = reverse("admin:articles_article_change", args=[article.pk])
        note = str(article.get_status_display())
        if article.status == article.Status.PUBLISHED and article.released_at:
            note = date_format(timezone.localtime(article.released_at), "j M, H:i")
        return format_html('<a href="{}" class="desk-link">{}</a><br><small>{}</small>', url, article.title, note)


class SentItemInline(ItemInline):
    """Of what went out, and is only read: a page of it at a time."""

    per_page = 50


class AddItemInline(TabularInline[IssueItem, Issue]):
    """A place to add an article; what is in the issue already stands in the other list."""

    model = IssueItem
    extra = 1
    fields = ["article"]
    autocomplete_fields = ["article"]
    verbose_name_plural = gettext_lazy("add an article")

    def get_queryset(self, request: HttpRequest) -> QuerySet[IssueItem]:
        return super().get_queryset(request).none()
