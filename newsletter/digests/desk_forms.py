"""Forms of the desk for newsletters, schedules and issues: choices instead of codes, checked before they are kept."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminColorInputWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextareaWidget,
)

from articles.desk import DeskForm
from newsletter.digests.models import IssueItem, Schedule
from newsletter.subscribers.models import Cadence, Newsletter

COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def time_zone_field(**options: Any) -> forms.ChoiceField:
    """One of the time zones that we know, found by typing a part of its name."""
    zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
    widget = UnfoldAdminSelect2Widget()
    return forms.ChoiceField(choices=[(zone, zone.replace("_", " ")) for zone in zones], widget=widget, **options)


class NewsletterForm(DeskForm[Newsletter]):
    cadences = forms.MultipleChoiceField(
        label=gettext_lazy("Offered cadences"),
        choices=Cadence.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("What readers of a digest may choose from. Each needs a schedule, or nothing is sent."),
    )
    time_zone = time_zone_field(
        label=gettext_lazy("Time zone"), initial=settings.TIME_ZONE, help_text=gettext_lazy("Of its dates and times.")
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES, initial="en")

    class Meta:
        model = Newsletter
        exclude = ["position"]
        widgets = {
            "accent_color": UnfoldAdminColorInputWidget,
            "consent_text": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "welcome_text": UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        }
        help_texts = {
            "slug": gettext_lazy("The end of its address; it cannot be changed later."),
            "kind": gettext_lazy("A digest is filled from new articles; the others are written by hand."),
            "description": gettext_lazy("One sentence on the sign-up page: what comes, and how often."),
            "is_open": gettext_lazy("Closed, it still goes to those who have it."),
            "reply_address": gettext_lazy("Empty: to the sender's address."),
            "sends_welcome": gettext_lazy("Once, right after somebody has confirmed, with a link to the latest issue."),
            "measures_opens": gettext_lazy("Only ever measured for readers who agreed to it."),
        }

    def clean_accent_color(self) -> str:
        color = str(self.cleaned_data["accent_color"])
        if not COLOR.fullmatch(color):
            raise forms.ValidationError(_("Write it as in #8a2f1d."))
        return color.lower()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        offered, usual = cleaned.get("cadences"), cleaned.get("default_cadence")
        if offered and usual and usual not in offered:
            self.add_error("default_cadence", _("Choose one of the offered cadences."))
        return cleaned


class ScheduleForm(DeskForm[Schedule]):
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("On"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        required=False,
        initial=list(WEEKDAYS),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    time_zone = time_zone_field(label=gettext_lazy("Time zone"), initial=settings.TIME_ZONE)

    class Meta:
        model = Schedule
        fields = [
            "newsletter", "cadence", "time", "time_zone", "weekdays", "day_of_month", "min_articles", "max_articles",
            "window_days", "approval", "draft_minutes", "is_active",
        ]  # fmt: skip
        help_texts = {
            "min_articles": gettext_lazy("With fewer, the run is skipped and they wait for the next."),
            "max_articles": gettext_lazy("What is over waits for the next."),
            "window_days": gettext_lazy("At least since the run before, whatever stands here."),
            "day_of_month": gettext_lazy("Of a monthly schedule; the last day if the month is shorter."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("cadence") != Cadence.MONTHLY and not cleaned.get("weekdays"):
            self.add_error("weekdays", _("Choose a weekday at least, or the schedule never runs."))
        return cleaned


class ItemForm(DeskForm[IssueItem]):
    class Meta:
        model = IssueItem
        fields = ["position", "state", "title", "summary"]
        widgets = {"summary": UnfoldAdminTextareaWidget(attrs={"rows": 1})}
