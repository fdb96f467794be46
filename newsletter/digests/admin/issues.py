"""The desk's pages for issues and their items."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Max, Q, QuerySet
from django.forms import Field, Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from articles.desk import DaysFilter, DeskAdmin, action, display, each, tell
from newsletter.digests import approval, drafting
from newsletter.digests.admin import listed
from newsletter.digests.admin.issue_items import AddItemInline, ItemInline, SentItemInline, as_shown
from newsletter.digests.admin.pieces import PIECES, answers_place, forecast_place
from newsletter.digests.desk_forms import IssueForm
from newsletter.digests.models import Issue, IssueItem
from newsletter.digests.versions import MAY_APPROVE, StaleError, bump, may_touch
from newsletter.subscribers.models import Newsletter

ISSUE_COLORS = {
    Issue.Status.DRAFT: "default",
    Issue.Status.IN_REVIEW: "warning",
    Issue.Status.APPROVED: "success",
    Issue.Status.HELD: "danger",
    Issue.Status.SKIPPED: "info",
    Issue.Status.CANCELLED: "default",
    "launched": "primary",
}


@admin.register(Issue)
class IssueAdmin(DeskAdmin[Issue]):
    form = IssueForm
    change_form_before_template = "admin/digests/seen.html"
    list_display = ["shown_name", "cadence", "send_at", "shown_status", "reason", "item_count"]
    list_filter = [
        ("newsletter", RelatedDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("cadence", ChoicesDropdownFilter),
        ("send_at", DaysFilter),
    ]
    list_select_related = ["newsletter"]
    search_fields = ["subject", "number", "newsletter__name"]
    date_hierarchy = "send_at"
    inlines = [ItemInline, AddItemInline]
    readonly_fields = [
        "status", "reason", "number", "schedule", "run_date", "approved_at", "approved_by", "launched_at", "forecast",
        "answers",
    ]  # fmt: skip
    actions = ["approve_selected", "hold_selected", "skip_selected", "cancel_selected"]
    actions_detail = ["desk", "progress", "choose_readers", "correct", "skip_run", "cancel_issue"]
    actions_submit_line = ["save_and_approve", "hold"]
    add_fieldsets = [
        (None, {"fields": ["newsletter", "subject", "preheader", "intro", "body", "send_at"]}),
        (gettext_lazy("A digest's"), {"fields": ["cadence", ("min_articles", "max_articles")]}),
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "status", "reason", "forecast", "answers", "subject", "preheader", "intro", "body", "send_at",
                ],
            },
        ),
        (
            gettext_lazy("About this run"),
            {
                "classes": ["collapse"],
                "fields": [
                    "cadence", ("min_articles", "max_articles"), "schedule", "run_date", "approved_at", "approved_by",
                    "launched_at",
                ],
            },
        ),
    ]  # fmt: skip

    @property
    def media(self) -> Media:
        return super().media + PIECES

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Field | None:
        return as_shown(super().formfield_for_dbfield(db_field, request, **kwargs))

    def get_form(self, request: HttpRequest, obj: Issue | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        kwargs["widgets"] = {
            "intro": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "body": UnfoldAdminTextareaWidget(attrs={"rows": 14, "dir": "auto", "data-editor": ""}),
        }
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Issue | None = None) -> Any:
        """A digest has no text of its own; what is written by hand has no numbers of articles."""
        fieldsets: Any = deepcopy(super().get_fieldsets(request, obj))
        if obj is None:
            return fieldsets
        if not _is_alive(obj):
            fieldsets[0][1]["fields"].remove("forecast")
        if obj.launched_at is None or not request.user.has_perm("engagement.view_rating"):
            fieldsets[0][1]["fields"].remove("answers")
        if obj.newsletter.kind == Newsletter.Kind.DIGEST:
            fieldsets[0][1]["fields"].remove("body")
        else:
            fieldsets[1][1]["fields"].remove(("min_articles", "max_articles"))
        return fieldsets

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issue]:
        rows = super().get_queryset(request).select_related("newsletter")
        return rows.annotate(item_count=Count("items", filter=~Q(items__state__in=IssueItem.OUT)))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        soon = timezone.localtime() + timedelta(hours=1)
        initial: dict[str, Any] = {"send_at": soon.replace(minute=0, second=0, microsecond=0)}
        return {**initial, **super().get_changeform_initial_data(request)}

    def get_inlines(self, request: HttpRequest, obj: Issue | None) -> Any:
        if obj is None or obj.newsletter.kind != Newsletter.Kind.DIGEST:
            return []
        return self.inlines if _is_alive(obj) else [SentItemInline]

    def has_change_permission(self, request: HttpRequest, obj: Issue | None = None) -> bool:
        """What went out, or never will, is history; what somebody approved is theirs who may approve."""
        if isinstance(obj, str):  # unfold asks with the key
            obj = Issue.objects.filter(pk=obj).first()
        may = super().has_change_permission(request, obj)
        return may and (obj is None or (_is_alive(obj) and may_touch(obj, by=request.user)))

    def has_delete_permission(self, request: HttpRequest, obj: Issue | None = None) -> bool:
        return False  # every planned run keeps its outcome: cancel it instead

    def get_view_on_site_url(self, obj: Issue | None = None) -> str | None:
        """The web version, which readers see once it is launched."""
        return super().get_view_on_site_url(obj) if obj and obj.launched_at else None

    def get_readonly_fields(self, request: HttpRequest, obj: Issue | None = None) -> Any:
        """When it goes out is part of approving it: an earlier time would send what its rule sends by itself."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if obj is None or self.has_approve_permission(request) else [*fixed, "send_at"]

    def offered(self, row: Issue) -> Collection[str]:
        if not _is_alive(row):
            return []
        return ["hold"] if row.status == Issue.Status.APPROVED else ["save_and_approve", "hold"]

    def has_approve_permission(self, request: HttpRequest, obj: Issue | str | None = None) -> bool:
        return request.user.has_perm(MAY_APPROVE)

    def save_model(self, request: HttpRequest, obj: Issue, form: Any, change: bool) -> None:  # noqa: FBT001
        if not change:
            made = drafting.new_issue(obj.newsletter, send_at=obj.send_at)
            obj.pk, obj.number, obj.created_at = made.pk, made.number, made.created_at
            obj._state.adding = False
            obj.save()
            drafting.refresh(obj, now=timezone.now())
        else:
            super().save_model(request, obj, form, change)
            bump(obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001
        last = form.instance.items.aggregate(last=Max("position"))["last"] or 0
        for number, added in enumerate(formset.extra_forms, start=1):
            if "position" not in added.fields:
                added.instance.position = last + number
        super().save_formset(request, form, formset, change)
        bump(form.instance)
        if any("position" in row.changed_data for row in formset.initial_forms):
            Issue.objects.filter(pk=form.instance.pk).update(is_arranged=True)

    @display(description=DeskAdmin.action_checkbox.short_description)  # type: ignore[attr-defined]  # ticks all
    def action_checkbox(self, obj: Issue) -> SafeString:
        """With it goes the version that the list shows: what somebody changed since is not approved unseen."""
        return super().action_checkbox(obj) + listed.fields_of(obj)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        if changelist.multi_page:
            listed.note_elsewhere(changelist.result_list, changelist.queryset)
        return changelist

    @display(description=gettext_lazy("issue"), ordering="number", header=True)
    def shown_name(self, issue: Issue) -> list[str]:
        return [str(issue), issue.subject]

    @display(description=gettext_lazy("status"), ordering="status", label=ISSUE_COLORS)
    def shown_status(self, issue: Issue) -> tuple[str, str]:
        return ("launched", _("launched")) if issue.launched_at else (issue.status, issue.get_status_display())

    @display(description=gettext_lazy("articles"), ordering="item_count")
    def item_count(self, issue: Any) -> int:
        return int(issue.item_count)

    @display(description=gettext_lazy("what readers think"))
    def answers(self, issue: Issue) -> str:
        return answers_place(issue)

    @display(description=gettext_lazy("forecast"))
    def forecast(self, issue: Issue) -> str:
        return forecast_place("sending:forecast_issue", issue)

    @action(description=gettext_lazy("Save and approve"), icon="check", permissions=["approve"])
    def save_and_approve(self, request: HttpRequest, issue: Issue) -> None:
        told = request.POST.get("seen", "")
        seen = int(told) if told.isdecimal() else None
        if decide(request, issue, partial(approval.approve, seen=seen)):
            at = date_format(timezone.localtime(issue.send_at), "DATETIME_FORMAT")
            messages.success(request, _("%(issue)s is approved. It goes out at %(at)s.") % {"issue": issue, "at": at})

    @action(description=gettext_lazy("Save and hold"), icon="front_hand", permissions=["approve"])
    def hold(self, request: HttpRequest, issue: Issue) -> None:
        if decide(request, issue, approval.hold):
            messages.success(request, _("%(issue)s is held until somebody approves it.") % {"issue": issue})

    @action(description=gettext_lazy("Desk"), url_path="desk", permissions=["view"], icon="edit_note")
    def desk(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Where it is made: order, words, preview, preflight."""
        return HttpResponseRedirect(reverse("issue_desk:desk", args=[int(object_id)]))

    def has_follow_permission(self, request: HttpRequest, obj: Issue | str | None = None) -> bool:
        """There is progress to be seen once it was launched."""
        if not request.user.has_perm("delivery.view_campaign"):
            return False
        pk = obj.pk if isinstance(obj, Issue) else obj
        return pk is None or Issue.objects.filter(pk=pk, launched_at__isnull=False).exists()

    @action(description=gettext_lazy("Progress"), url_path="progress", permissions=["follow"], icon="monitoring")
    def progress(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(
            f"{reverse('admin:delivery_campaign_changelist')}?issue__id__exact={int(object_id)}"
        )

    def has_narrow_permission(self, request: HttpRequest, obj: Issue | str | None = None) -> bool:
        """Who gets it is chosen for what somebody writes, until it goes out."""
        if obj is None:
            return super().has_change_permission(request)
        pk = obj.pk if isinstance(obj, Issue) else obj
        issue = Issue.objects.select_related("newsletter").filter(pk=pk).first()
        if issue is None:
            return False
        may_be = issue.is_written and issue.correction_id is None and _is_alive(issue)
        return may_be and self.has_change_permission(request, issue)

    @action(description=gettext_lazy("Readers"), url_path="readers", permissions=["narrow"], icon="group")
    def choose_readers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("sending:audience", args=[int(object_id)]))

    def has_correct_permission(self, request: HttpRequest, obj: Issue | str | None = None) -> bool:
        """What went out can be corrected."""
        if not request.user.has_perm("digests.send_alert"):
            return False
        pk = obj.pk if isinstance(obj, Issue) else obj
        return pk is None or Issue.objects.filter(pk=pk, launched_at__isnull=False, correction=None).exists()

    @action(description=gettext_lazy("Correct"), url_path="correct", permissions=["correct"], icon="edit_note")
    def correct(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("sending:write_correction", args=[int(object_id)]))

    @action(description=gettext_lazy("Skip"), url_path="skip", permissions=["change"], icon="skip_next")
    def skip_run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        details = [_("Nothing is sent for this run. Its articles wait for the next one.")]
        return self._asked(
            request,
            object_id,
            question=_("Skip this issue?"),
            details=details,
            verb=_("Skip it"),
            do=_skip_for(request),
        )

    @action(
        description=gettext_lazy("Cancel"), url_path="cancel", permissions=["change"], icon="cancel",
    )  # fmt: skip
    def cancel_issue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        details = [_("It is never sent. Its articles are owed to readers as before.")]
        return self._asked(
            request, object_id, question=_("Cancel this issue?"), details=details, verb=_("Cancel it"), do=Issue.cancel
        )

    def _asked(
        self, request: HttpRequest, object_id: str, *, question: str, details: list[str], verb: str,
        do: Callable[[Issue], bool],
    ) -> HttpResponse:  # fmt: skip
        issue = self.row_or_404(request, object_id)
        if request.method != "POST":
            return self.ask(request, issue, question=question, details=details, verb=verb, is_dangerous=True)
        if do(issue):
            messages.success(request, f"{issue}: {issue.get_status_display()}.")
        else:
            messages.warning(request, _("%(issue)s had been decided already.") % {"issue": issue})
        return HttpResponseRedirect(reverse("admin:digests_issue_change", args=[issue.pk]))

    @admin.action(description=gettext_lazy("Approve"), permissions=["approve"])
    def approve_selected(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        seen = listed.versions_in(request.POST)
        self._decide(request, rows, lambda issue: partial(listed.approve, seen=seen.get(issue.pk)), _("approved"))

    @admin.action(description=gettext_lazy("Hold"), permissions=["approve"])
    def hold_selected(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._decide(request, rows, lambda _issue: approval.hold, _("held"))

    @admin.action(description=gettext_lazy("Skip"), permissions=["change"])
    def skip_selected(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._do(request, rows, _if_theirs(request, _skip_for(request)), _("skipped"))

    @admin.action(description=gettext_lazy("Cancel"), permissions=["change"])
    def cancel_selected(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._do(request, rows, _if_theirs(request, Issue.cancel), _("cancelled"))

    def _decide(
        self, request: HttpRequest, rows: QuerySet[Issue], how: Callable[[Issue], Callable[..., None]], said: str
    ) -> None:
        """Of each that it could not happen to, `decide` says why."""
        done = [issue for issue in each(rows) if decide(request, issue, how(issue))]
        tell(request, done, said=said, refused="", total=len(done))

    def _do(self, request: HttpRequest, rows: QuerySet[Issue], do: Callable[[Issue], bool], said: str) -> None:
        selected = each(rows)
        done = [issue for issue in selected if do(issue)]
        tell(request, done, said=said, refused=_("%(count)d had been decided already."), total=len(selected))


def decide(request: HttpRequest, issue: Issue, how: Callable[..., None]) -> bool:
    """Approve or hold it; what keeps it from that is said."""
    try:
        how(issue, by=request.user, now=timezone.now())
    except (approval.BlockedError, StaleError) as error:
        messages.error(request, f"{issue}: {error}")
        return False
    except approval.DecidedError as error:
        messages.warning(request, f"{issue}: {error}")
        return False
    return True


def _if_theirs(request: HttpRequest, do: Callable[[Issue], bool]) -> Callable[[Issue], bool]:
    return lambda issue: may_touch(issue, by=request.user) and do(issue)


def _is_alive(issue: Issue) -> bool:
    return issue.launched_at is None and issue.status in {*Issue.OPEN, Issue.Status.APPROVED}


def _skip_for(request: HttpRequest) -> Callable[[Issue], bool]:
    reason = _("Skipped by %(editor)s.") % {"editor": request.user}
    return lambda issue: issue.skip(reason=reason)
