"""Why readers left, where they moved to, and the mails that they asked for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from articles.desk import DaysFilter, ReadOnlyAdmin, display
from newsletter.subscribers.models import AddressChange, Farewell, PersonalMail

MAIL_COLORS = {
    PersonalMail.Status.WAITING: "info",
    PersonalMail.Status.MAILED: "success",
    PersonalMail.Status.SKIPPED: "warning",
}
CHANGE_COLORS = {
    AddressChange.Status.ASKED: "info",
    AddressChange.Status.DONE: "success",
    AddressChange.Status.UNDONE: "warning",
    AddressChange.Status.DROPPED: "default",
}


@admin.register(Farewell)
class FarewellAdmin(ReadOnlyAdmin[Farewell]):
    """The list counts the reasons in its head: of everything, or of what the filters leave."""

    list_display = ["newsletter", "reason", "words", "at"]
    list_filter = [
        ("newsletter", RelatedDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        ("at", DaysFilter),
    ]
    list_select_related = ["newsletter"]
    fields = ["newsletter", "reason", "words", "at"]
    paginator = InfinitePaginator

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            context["subtitle"] = _counts(context["cl"].queryset)
        return response


def _counts(rows: Any) -> str:
    labels = dict(Farewell.Reason.choices)
    counted = rows.order_by().values_list("reason").annotate(count=Count("pk")).order_by("-count", "reason")
    return " · ".join(f"{labels[reason]}: {count}" for reason, count in counted) or _("Nobody has said why yet.")


@admin.register(AddressChange)
class AddressChangeAdmin(ReadOnlyAdmin[AddressChange]):
    list_display = ["subscriber", "old_email", "new_email", "shown_status", "created_at", "changed_at"]
    list_filter = [("status", ChoicesDropdownFilter), ("created_at", DaysFilter)]
    list_select_related = ["subscriber"]
    search_fields = ["subscriber__address_key__startswith"]
    search_help_text = gettext_lazy("Search by the beginning of the address.")
    searches_addresses = True
    paginator = InfinitePaginator

    @display(description=gettext_lazy("status"), ordering="status", label=CHANGE_COLORS)
    def shown_status(self, change: AddressChange) -> tuple[str, str]:
        return change.status, change.get_status_display()


@admin.register(PersonalMail)
class PersonalMailAdmin(ReadOnlyAdmin[PersonalMail]):
    list_display = ["kind", "shown_status", "skipped_reason", "created_at", "settled_at", "attempt_count", "response"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("skipped_reason", ChoicesDropdownFilter),
        ("created_at", DaysFilter),
    ]
    paginator = InfinitePaginator

    @display(description=gettext_lazy("status"), ordering="status", label=MAIL_COLORS)
    def shown_status(self, mail: PersonalMail) -> tuple[str, str]:
        return mail.status, mail.get_status_display()
