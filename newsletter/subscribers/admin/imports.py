"""Bringing a list in: upload, look, answer, start, watch, take back; and taking everything out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from articles.desk import ReadOnlyAdmin, action, display
from newsletter.lib.doorbell import ring
from newsletter.subscribers import exporting, tasks
from newsletter.subscribers.importing import reporting, starting
from newsletter.subscribers.importing.files import UnreadableFile
from newsletter.subscribers.models import ImportRun, Newsletter, Subscriber

COLORS = {
    ImportRun.Status.CHECKING: "info",
    ImportRun.Status.ASKING: "warning",
    ImportRun.Status.READY: "warning",
    ImportRun.Status.RUNNING: "info",
    ImportRun.Status.FINISHED: "success",
    ImportRun.Status.FAILED: "danger",
}
FORM_FIELDS = {"newsletter", "ground", "confirms_missing_consent"}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"), widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("CSV or ZIP, as the other product exports it. Nothing happens before you say so."),
    )  # fmt: skip
    newsletter = forms.ModelChoiceField(
        Newsletter.objects.all(), label=gettext_lazy("Newsletter"), required=False, widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("For rows that name none."),
    )  # fmt: skip
    ground = forms.CharField(
        label=gettext_lazy("How these people agreed"), max_length=500, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("One sentence, kept with the consent of each: on which form, since when, to what."),
    )  # fmt: skip
    confirms_missing_consent = forms.BooleanField(
        label=gettext_lazy("Ask those without a date of consent by mail, instead of subscribing them"), required=False
    )


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin[ImportRun]):
    list_display = ["file_name", "shown_status", "newsletter", "record_count", "created_by", "created_at"]
    list_select_related = ["newsletter", "created_by"]
    actions_list = ["export_page"]
    ordering = ["-pk"]

    @display(description=gettext_lazy("status"), ordering="status", label=COLORS)
    def shown_status(self, run: ImportRun) -> tuple[str, str]:
        return run.status, run.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("subscribers.add_importrun"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/refused.csv", wrap(self.refused), name="subscribers_importrun_refused"),
            path("export/<slug:what>.csv", wrap(self.export), name="subscribers_importrun_export"),
            *super().get_urls(),
        ]

    # --- in -----------------------------------------------------------------------------------------------------------
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if form.is_valid() and (run := self._begin(request, form)):
            return self._back_to(run)
        context = {**self.admin_site.each_context(request), "title": _("Import a list"), "opts": self.opts,
                   "form": form}  # fmt: skip
        return TemplateResponse(request, "admin/imports/upload.html", context, status=400 if form.errors else 200)

    def _begin(self, request: HttpRequest, form: UploadForm) -> ImportRun | None:
        upload = form.cleaned_data["file"]
        fields = {name: form.cleaned_data[name] for name in FORM_FIELDS}
        try:
            run = starting.begin(
                upload=upload.file, name=upload.name, now=timezone.now(), created_by=request.user, **fields
            )
        except UnreadableFile as error:
            form.add_error("file", str(error))
            return None
        ring(tasks.go_on_with_import, import_run_id=run.pk)
        return run

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        run = self.row_or_404(request, object_id)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        if request.method == "POST":
            return self._act(request, run)
        context = {
            **self.admin_site.each_context(request), "title": run.file_name, "opts": self.opts, "original": run,
            "run": run, "page": reporting.describe(run, timezone.now()),
            "may_change": self.has_add_permission(request),
        }  # fmt: skip
        return TemplateResponse(request, "admin/imports/run.html", context)

    def _act(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        acts: dict[str, Callable[[], bool]] = {
            "answer": lambda: starting.answer(run, request.POST, now=timezone.now()),
            "start": lambda: run.start(timezone.now(), brings_labels="brings_labels" in request.POST),
            "cancel": lambda: run.cancel(timezone.now()),
            "undo": lambda: run.undo(timezone.now()),
        }
        act = acts.get(request.POST.get("action", ""))
        if act is None or not act():
            messages.warning(request, _("That was not possible any more: the import has moved on."))
        elif run.is_working:
            ring(tasks.go_on_with_import, import_run_id=run.pk)
        return self._back_to(run)

    def _back_to(self, run: ImportRun) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:subscribers_importrun_change", args=[run.pk]))

    def refused(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        """The rows that were not taken, with line and reason, to be mended and brought in again."""
        run = get_object_or_404(ImportRun, pk=pk)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return _download(exporting.as_csv(reporting.refusal_columns(run), reporting.refusals(run)), "refused.csv")

    # --- out ----------------------------------------------------------------------------------------------------------
    @action(description=gettext_lazy("Export…"), url_path="export", icon="download")
    def export_page(self, request: HttpRequest) -> HttpResponse:
        if not _may_export(request):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "title": _("Export"), "opts": self.opts,
                   "newsletters": Newsletter.objects.all()}  # fmt: skip
        return TemplateResponse(request, "admin/imports/export.html", context)

    def export(self, request: HttpRequest, what: str) -> StreamingHttpResponse:
        if not _may_export(request):
            raise PermissionDenied
        is_raw = "raw" in request.GET
        if what == "all-suppressions":
            lines = exporting.as_csv(exporting.SUPPRESSION_COLUMNS, exporting.suppression_rows(), raw=is_raw)
        else:
            newsletter = None if what == "all-subscribers" else get_object_or_404(Newsletter, slug=what)
            lines = exporting.as_csv(exporting.COLUMNS, exporting.export_rows(newsletter), raw=is_raw)
        return _download(lines, f"{what}-{timezone.localdate():%Y-%m-%d}.csv")


def _may_export(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(f"{Subscriber._meta.app_label}.view_subscriber"))


def _download(lines: Iterator[str], name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
