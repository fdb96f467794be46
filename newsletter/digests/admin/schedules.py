"""The desk's pages for schedules: what the rules mean is said while they are being edited."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Media, Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from articles.desk import DeskAdmin, StackedInline, display
from newsletter.digests import scheduling, wording
from newsletter.digests.admin.pieces import PIECES, forecast_place
from newsletter.digests.models import Schedule
from newsletter.digests.schedule_form import ScheduleForm
from newsletter.subscribers.models import Newsletter

WHEN = frozenset(
    {
        "cadence", "time", "more_times", "time_zone", "weekdays", "every_weeks", "day_of_month", "nth_weekday",
        "first_date", "last_date", "paused_until", "skipped_dates", "is_active",
    }
)  # fmt: skip
SKIP = "_skip_date"  # the button at one of the next runs


def plan_changed(schedules: Iterable[Schedule], *, now: datetime) -> None:
    for schedule in schedules:
        scheduling.plan(schedule, now=now)


def meaning_context(schedule: Schedule, *, now: datetime) -> dict[str, Any]:
    return {
        "schedule": schedule,
        "sentence": wording.sentence(schedule),
        "remarks": list(wording.remarks(schedule)),
        "runs": wording.next_runs(schedule, now=now),
        "zone": schedule.time_zone.replace("_", " "),
    }


class ScheduleInline(StackedInline[Schedule, Newsletter]):
    model = Schedule
    form = ScheduleForm
    extra = 0
    collapsible = True
    show_change_link = True
    readonly_fields = ["meaning"]
    fields = ["meaning", ("cadence", "is_active"), ("time", "more_times", "time_zone"), "weekdays"]

    @display(description=gettext_lazy("in words"))
    def meaning(self, schedule: Schedule) -> str:
        return wording.sentence(schedule) if schedule.pk else _("It is said here once it is saved.")


@admin.register(Schedule)
class ScheduleAdmin(DeskAdmin[Schedule]):
    form = ScheduleForm
    list_display = ["shown_name", "time_zone", "approval", "is_active", "next_run_at"]
    list_filter = [("newsletter", RelatedDropdownFilter), ("cadence", ChoicesDropdownFilter), "is_active"]
    list_select_related = ["newsletter"]
    readonly_fields = ["meaning", "forecast"]
    fieldsets = [
        (None, {"fields": ["meaning", "forecast", ("newsletter", "cadence"), "is_active"]}),
        (
            gettext_lazy("When"),
            {
                "fields": [
                    ("time", "more_times", "time_zone"), "in_readers_zone", "weekdays", "every_weeks",
                    ("day_of_month", "nth_weekday"),
                ]
            },
        ),
        (
            gettext_lazy("From when to when, and when not"),
            {"fields": [("first_date", "last_date", "paused_until"), "skipped_dates"]},
        ),
        (
            gettext_lazy("What goes in"),
            {"fields": [("min_articles", "latest_days"), ("max_articles", "max_per_topic"), "window_days"]},
        ),
        (
            gettext_lazy("Who says so, and what if it is late"),
            {"fields": [("approval", "draft_minutes"), ("tolerance_minutes", "when_late")]},
        ),
    ]  # fmt: skip

    @property
    def media(self) -> Media:
        return super().media + Media(js=[Script("js/schedule.js", defer=True)]) + PIECES  # type: ignore[list-item]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.say)
        return [path("in-words/", view, name="digests_schedule_in_words"), *super().get_urls()]

    def say(self, request: HttpRequest) -> HttpResponse:
        """What the rules of an unsaved form mean. Changes nothing; a POST only because forms are long."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        pk = request.GET.get("schedule", "")
        kept = Schedule.objects.filter(pk=pk).select_related("newsletter").first() if pk.isdecimal() else None
        form = ScheduleForm(request.POST, instance=kept)
        context = {"problems": [text for errors in form.errors.values() for text in errors]}
        if form.is_valid():
            context = meaning_context(form.instance, now=timezone.now())
        return TemplateResponse(request, "admin/schedules/_meaning.html", context)

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if not change or WHEN & set(form.changed_data):
            scheduling.plan(obj, now=timezone.now())

    def response_change(self, request: HttpRequest, obj: Schedule) -> HttpResponse:
        """A button at one of the next runs skips that date, on top of what was saved."""
        day = _date(request.POST.get(SKIP, ""))
        if day is None:
            return super().response_change(request, obj)
        obj.skipped_dates = sorted({*obj.skipped_dates, day.isoformat()})
        obj.save(update_fields=["skipped_dates"])
        scheduling.plan(obj, now=timezone.now())
        told = _("It does not run on %(day)s. To undo that, take the date out of “Skipped dates”.")
        messages.success(request, told % {"day": date_format(day, "l j F Y")})
        return HttpResponseRedirect(reverse("admin:digests_schedule_change", args=[obj.pk]))

    @display(description=gettext_lazy("schedule"), ordering="newsletter", header=True)
    def shown_name(self, schedule: Schedule) -> list[str]:
        return [str(schedule), wording.sentence(schedule)]

    @display(description=gettext_lazy("in words"))
    def meaning(self, schedule: Schedule) -> str:
        context = meaning_context(schedule, now=timezone.now()) if schedule.pk else {}
        return render_to_string("admin/schedules/meaning.html", {**context, "pk": schedule.pk or ""})

    @display(description=gettext_lazy("next run"))
    def forecast(self, schedule: Schedule) -> str:
        return forecast_place("sending:forecast_schedule", schedule)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
