"""The desk's pages for what came back."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from articles.desk import ReadOnlyAdmin, display
from articles.long_lists import BY_ADDRESS_HELP, LongRecordAdmin
from newsletter.engagement.models import Event, Rating

EVENT_COLORS = {
    Event.Kind.DELIVERED: "success",
    Event.Kind.DEFERRED: "warning",
    Event.Kind.BOUNCED: "danger",
    Event.Kind.REJECTED: "danger",
    Event.Kind.FAILED: "danger",
    Event.Kind.COMPLAINED: "danger",
    Event.Kind.UNSUBSCRIBED: "default",
}


@admin.register(Event)
class EventAdmin(LongRecordAdmin[Event]):
    list_display = ["shown_kind", "send", "source", "detail", "at"]
    list_filter = [("kind", ChoicesDropdownFilter)]
    list_select_related = ["send__campaign__issue__newsletter"]
    search_fields = ["send__subscriber__address_key__startswith"]
    search_help_text = BY_ADDRESS_HELP
    searches_addresses = True
    fields = ["kind", "send", "link", "source", "detail", "at"]

    @display(description=gettext_lazy("event"), ordering="kind", label=EVENT_COLORS)
    def shown_kind(self, event: Event) -> tuple[str, str]:
        return event.kind, event.get_kind_display()


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin[Rating]):
    """What readers said of issues. Who said it is not shown: the answer counts, not the person."""

    list_display = ["issue", "answer", "comment", "at"]
    list_filter = [("answer", ChoicesDropdownFilter), ("issue__newsletter", RelatedDropdownFilter)]
    list_select_related = ["issue__newsletter"]
    fields = ["issue", "answer", "comment", "at"]
    paginator = InfinitePaginator
