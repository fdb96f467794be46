"""The desk's pages for offers, and for what was made of an issue: its editions, which are a record."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from articles.desk import DaysFilter, DeskAdmin, ReadOnlyAdmin, ReadOnlyInline, display
from newsletter.digests.models import Edition, EditionItem, Offer

OFFER_COLORS = {"running": "success", "planned": "info", "over": "default"}


@admin.register(Offer)
class OfferAdmin(DeskAdmin[Offer]):
    list_display = ["title", "advertiser", "shown_state", "starts_on", "ends_on", "weight"]
    list_filter = [
        ("newsletters", RelatedDropdownFilter),
        ("starts_on", RangeDateFilter),
        ("ends_on", RangeDateFilter),
    ]
    search_fields = ["title", "advertiser"]
    autocomplete_fields = ["newsletters"]
    fieldsets = [
        (
            gettext_lazy("What readers see"),
            {
                "description": gettext_lazy("It is always labeled as an advertisement."),
                "fields": ["advertiser", "title", "text", "url", "picture", "picture_alt"],
            },
        ),
        (gettext_lazy("Where and when"), {"fields": ["newsletters", ("starts_on", "ends_on"), "weight"]}),
    ]

    @display(description=gettext_lazy("now"), label=OFFER_COLORS)
    def shown_state(self, offer: Offer) -> tuple[str, str]:
        today = timezone.localdate()
        if today < offer.starts_on:
            return "planned", _("planned")
        return ("running", _("running")) if today <= offer.ends_on else ("over", _("over"))


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
