"""The addresses that must never be mailed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from articles.desk import DaysFilter, DeskForm, action, display
from articles.long_lists import LongListAdmin, Total, begins
from newsletter.lib.addresses import InvalidAddress, address_hash, parse_address
from newsletter.subscribers import counting, suppression
from newsletter.subscribers.models import StoredCount, Suppression


class SuppressionForm(DeskForm[Suppression]):
    class Meta:
        model = Suppression
        fields = ["email", "note"]
        help_texts = {
            "email": gettext_lazy("Nothing is ever mailed to it again, whatever a form or an import says."),
            "note": gettext_lazy("Why, for whoever looks at this in a year."),
        }

    def clean_email(self) -> str:
        try:
            return parse_address(self.cleaned_data["email"])
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Suppression)
class SuppressionAdmin(LongListAdmin[Suppression]):
    list_display = ["shown_address", "reason", "note", "created_at"]
    list_filter = [("reason", ChoicesDropdownFilter), ("created_at", DaysFilter)]
    search_fields = ["email__startswith"]
    search_help_text = gettext_lazy("A whole address is found however it is spelled, also that of somebody erased.")
    form = SuppressionForm
    actions = None
    actions_list = ["import_list", "export_list"]

    def total(self) -> Total | None:
        stored = StoredCount.objects.named([counting.SUPPRESSIONS]).get(counting.SUPPRESSIONS)
        return Total(stored.count, stored.counted_at) if stored else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        """By the keyed hash of a whole address, which is all that is left of who was erased; else by its beginning."""
        if not (term := search_term.strip()):
            return queryset, False
        try:
            return queryset.filter(address_hash=address_hash(parse_address(term))), False
        except InvalidAddress:
            return queryset.filter(begins("email", term)), False

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Iterable[Any]:  # type: ignore[override]
        return ["shown_address", "reason", "note", "created_at"] if obj else ["email", "note"]

    def get_readonly_fields(self, request: HttpRequest, obj: Suppression | None = None) -> list[str]:
        return ["shown_address", "reason", "created_at"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        """Who complained or was erased stays on the list."""
        may = super().has_delete_permission(request, obj)
        kept = {Suppression.Reason.ERASED, Suppression.Reason.COMPLAINT}
        return may and (obj is None or obj.reason not in kept)

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:  # noqa: FBT001
        if change:
            super().save_model(request, obj, form, change)
            return
        now, by_hand = timezone.now(), Suppression.Reason.BY_HAND
        row = suppression.suppress(email=obj.email, reason=by_hand, note=obj.note, now=now)
        obj.pk, obj.reason, obj.address_hash, obj.created_at = row.pk, row.reason, row.address_hash, row.created_at

    @action(description=gettext_lazy("Import a list"), url_path="import", permissions=["import_list"], icon="upload")
    def import_list(self, request: HttpRequest) -> HttpResponse:
        """Rows that say unsubscribed, bounced or complained, in whatever a service exports, or our own export."""
        return HttpResponseRedirect(reverse("admin:subscribers_importrun_add"))

    def has_import_list_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("subscribers.add_importrun"))

    @action(description=gettext_lazy("Export as CSV"), url_path="export", permissions=["view"], icon="download")
    def export_list(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:subscribers_importrun_export", args=["all-suppressions"]))

    @display(description=gettext_lazy("address"), ordering="email")
    def shown_address(self, row: Suppression) -> str:
        return str(row)
