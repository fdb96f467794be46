"""The desk's pages for what was made of an issue: its editions and links, which are a record."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from articles.desk import DaysFilter, ReadOnlyAdmin, ReadOnlyInline, display
from newsletter.digests.models import Edition, EditionItem, Link


class EditionItemInline(ReadOnlyInline[EditionItem, Edition]):
    model = EditionItem
    fields = ["position", "article", "placement"]
    tab = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[EditionItem]:
        return super().get_queryset(request).select_related("article").order_by("position", "pk")


@admin.register(Edition)
class EditionAdmin(ReadOnlyAdmin[Edition]):
    list_display = ["__str__", "article_count", "error", "created_at"]
    list_filter = [("issue__newsletter", RelatedDropdownFilter), ("created_at", DaysFilter)]
    list_select_related = ["issue__newsletter"]
    fields = ["issue", "created_at", "error"]
    inlines = [EditionItemInline]
    paginator = InfinitePaginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[Edition]:
        return super().get_queryset(request).annotate(article_count=Count("items"))

    @display(description=gettext_lazy("articles"))
    def article_count(self, edition: Edition) -> int:
        return int(edition.article_count)  # type: ignore[attr-defined]


@admin.register(EditionItem)
class EditionItemAdmin(ReadOnlyAdmin[EditionItem]):
    list_display = ["article", "edition", "position", "placement"]
    list_filter = [("placement", ChoicesDropdownFilter)]
    list_select_related = ["article", "edition__issue__newsletter"]
    search_fields = ["article__title"]
    paginator = InfinitePaginator


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin[Link]):
    list_display = ["url", "issue", "article", "click_count"]
    list_filter = [("issue__newsletter", RelatedDropdownFilter)]
    list_select_related = ["issue__newsletter", "article"]
    search_fields = ["url"]
    fields = ["issue", "article", "url", "click_count"]
    paginator = InfinitePaginator
