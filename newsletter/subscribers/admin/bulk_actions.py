"""What was done to many at once, as a record: how far it is, stopping it, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from articles.desk import ReadOnlyAdmin, display
from newsletter.lib.doorbell import ring
from newsletter.subscribers import tasks
from newsletter.subscribers.admin.asking import done_in_words
from newsletter.subscribers.models import BulkAction

COLORS = {
    BulkAction.Status.CHOOSING: "info",
    BulkAction.Status.RUNNING: "info",
    BulkAction.Status.FINISHED: "success",
    BulkAction.Status.STOPPED: "warning",
    BulkAction.Status.FAILED: "danger",
    BulkAction.Status.UNDOING: "info",
    BulkAction.Status.UNDONE: "default",
}


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnlyAdmin[BulkAction]):
    list_display = ["__str__", "shown_status", "total_count", "changed_count", "created_by", "created_at"]
    list_filter = [("kind", ChoicesDropdownFilter), ("status", ChoicesDropdownFilter)]
    list_select_related = ["created_by"]
    ordering = ["-pk"]

    @display(description=gettext_lazy("status"), ordering="status", label=COLORS)
    def shown_status(self, action: BulkAction) -> tuple[str, str]:
        return action.status, action.get_status_display()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        action = self.row_or_404(request, object_id)
        if not self.has_view_permission(request, action):
            raise PermissionDenied
        may_change = request.user.has_perm("subscribers.change_subscriber")
        if request.method == "POST":
            if not may_change:
                raise PermissionDenied
            return self._act(request, action)
        context = {
            **self.admin_site.each_context(request), "title": str(action), "opts": self.opts, "original": action,
            "bulk_action": action, "done": done_in_words(action), "may_change": may_change,
            "may_be_undone": action.may_be_undone(timezone.now()),
            "is_final": action.kind in BulkAction.FINAL,
        }  # fmt: skip
        return TemplateResponse(request, "admin/readers/bulk_action.html", context)

    def _act(self, request: HttpRequest, action: BulkAction) -> HttpResponse:
        acts: dict[str, Callable[[], bool]] = {
            "stop": lambda: action.stop(timezone.now()),
            "undo": lambda: action.undo(timezone.now()),
        }
        act = acts.get(request.POST.get("action", ""))
        if act is None or not act():
            messages.warning(request, _("That was not possible any more: it has moved on."))
        elif action.is_working:
            ring(tasks.go_on_with_bulk_action, bulk_action_id=action.pk)
        return HttpResponseRedirect(reverse("admin:subscribers_bulkaction_change", args=[action.pk]))
