"""The desk's pages for archives: hand one in, look, start, watch, take back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminURLInputWidget,
    UnfoldBooleanSwitchWidget,
)

from articles import tasks
from articles.archives import starting
from articles.archives.wxr import ArchiveError
from articles.desk import ReadOnlyAdmin, display
from articles.models import Archive, ArchiveItem, Feed

COLORS = {
    Archive.Status.CHECKING: "info", Archive.Status.READY: "warning", Archive.Status.RUNNING: "info",
    Archive.Status.PICTURING: "info", Archive.Status.FINISHED: "success", Archive.Status.FAILED: "danger",
}  # fmt: skip
MOST_TOLD = 50
FORECAST = {
    "articles": gettext_lazy("published articles"), "drafts": gettext_lazy("drafts"), "pages": gettext_lazy("pages"),
    "pictures": gettext_lazy("pictures"), "others": gettext_lazy("other things, which are left out"),
}  # fmt: skip
COUNTS = {
    "new": gettext_lazy("new"), "known": gettext_lazy("known already"), "left_out": gettext_lazy("left out"),
    "refused": gettext_lazy("refused"), "picture": gettext_lazy("pictures named"),
    "pictures": gettext_lazy("pictures fetched"), "pages": gettext_lazy("pages read"),
}  # fmt: skip


class ArchiveForm(forms.Form):
    """A file, or an address."""

    file = forms.FileField(
        label=gettext_lazy("File"), required=False, widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("A WordPress export (XML), a feed document, or a ZIP of them."),
    )  # fmt: skip
    url = forms.URLField(
        label=gettext_lazy("Or a feed's address"), required=False, max_length=1000, assume_scheme="https",
        widget=UnfoldAdminURLInputWidget, help_text=gettext_lazy("Of a feed that names its older pages (RFC 5005)."),
    )  # fmt: skip
    feed = forms.ModelChoiceField(
        Feed.objects.all(), label=gettext_lazy("Its feed"), required=False, widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("If this site has a feed here already, its articles are not brought in twice."),
    )  # fmt: skip
    takes_drafts = forms.BooleanField(
        label=gettext_lazy("Drafts, too"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("They stay drafts."),
    )  # fmt: skip
    takes_pages = forms.BooleanField(
        label=gettext_lazy("Pages, too"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("Such as “About us”; they come as articles."),
    )  # fmt: skip
    makes_topics = forms.BooleanField(
        label=gettext_lazy("Make topics of its categories"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("Readers will be able to follow them."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("file")) == bool(cleaned.get("url")) and not self.errors:
            raise forms.ValidationError(_("Choose a file or enter an address, one of them."))
        return cleaned


@admin.register(Archive)
class ArchiveAdmin(ReadOnlyAdmin[Archive]):
    list_display = ["name", "shown_status", "kind", "position", "created_by", "created_at"]
    list_select_related = ["created_by"]
    ordering = ["-pk"]

    @display(description=gettext_lazy("status"), ordering="status", label=COLORS)
    def shown_status(self, archive: Archive) -> tuple[str, str]:
        return archive.status, archive.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("articles.add_archive"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ArchiveForm(request.POST or None, request.FILES or None)
        if form.is_valid() and (archive := self._begin(request, form)):
            return self._back_to(archive)
        context = {**self.admin_site.each_context(request), "title": _("Bring in an archive"), "opts": self.opts,
                   "form": form}  # fmt: skip
        return TemplateResponse(request, "admin/archives/upload.html", context, status=400 if form.errors else 200)

    def _begin(self, request: HttpRequest, form: ArchiveForm) -> Archive | None:
        values = form.cleaned_data
        upload, url = values.pop("file"), values.pop("url")
        common: dict[str, Any] = {"now": timezone.now(), "created_by": request.user}
        try:
            if upload:
                archive = starting.begin_file(upload=upload.file, name=upload.name, **values, **common)
            else:
                archive = starting.begin_pages(
                    url=url, feed=values["feed"], makes_topics=values["makes_topics"], **common
                )
        except ArchiveError as error:
            form.add_error("file" if upload else "url", str(error))
            return None
        _ring(archive)
        return archive

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        archive = self.row_or_404(request, object_id)
        if not self.has_view_permission(request, archive):
            raise PermissionDenied
        if request.method == "POST":
            return self._act(request, archive)
        told = archive.items.filter(outcome__in=[ArchiveItem.Outcome.REFUSED, ArchiveItem.Outcome.LEFT_OUT])
        context = {
            **self.admin_site.each_context(request), "title": archive.name, "opts": self.opts, "original": archive,
            "archive": archive, "may_change": self.has_add_permission(request),
            "forecast": _named(archive.forecast, FORECAST), "counts": _named(archive.counts, COUNTS),
            "left": told.order_by("position")[:MOST_TOLD],
        }  # fmt: skip
        return TemplateResponse(request, "admin/archives/archive.html", context)

    def _act(self, request: HttpRequest, archive: Archive) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        act = {"start": archive.start, "cancel": archive.cancel, "undo": archive.undo}.get(
            request.POST.get("action", "")
        )
        if act is None or not act(timezone.now()):
            messages.warning(request, _("That was not possible any more: it has moved on."))
        elif archive.is_working:
            _ring(archive)
        return self._back_to(archive)

    def _back_to(self, archive: Archive) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:articles_archive_change", args=[archive.pk]))


def _named(counts: Mapping[str, int], names: Mapping[str, Any]) -> list[tuple[Any, int]]:
    return [(label, counts[name]) for name, label in names.items() if name in counts]


def _ring(archive: Archive) -> None:
    """A broker that is away costs a moment only, for the sweep finds it as well."""
    ring = partial(tasks.go_on_with_archive.apply_async, kwargs={"archive_id": archive.pk}, retry=False)
    transaction.on_commit(ring, robust=True)
