"""The form of a schedule: rules that fit together, or a sentence that says what to change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from articles.desk import DeskForm
from newsletter.digests.models import Schedule
from newsletter.subscribers.models import Cadence

STRETCH = re.compile(r"\s*(?:/|–|\bto\b|\.\.)\s*")
MOST_DATES = 200


def time_zone_field(**options: Any) -> forms.ChoiceField:
    """One of the time zones that we know, found by typing a part of its name."""
    zones = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
    widget = UnfoldAdminSelect2Widget()
    return forms.ChoiceField(choices=[(zone, zone.replace("_", " ")) for zone in zones], widget=widget, **options)


class WeekdaysField(forms.TypedMultipleChoiceField):
    """Days of the week as numbers, 0 is Monday."""

    def __init__(self, **options: Any) -> None:
        widget = UnfoldAdminCheckboxSelectMultipleWidget
        super().__init__(choices=list(WEEKDAYS.items()), coerce=int, required=False, widget=widget, **options)


class DatesField(forms.CharField):
    """Dates, one a line; a stretch of days as ``2026-12-24 to 2027-01-02``. Kept as ISO 8601 has them."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "2026-12-25"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(each.replace("/", " to ") for each in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        if len(lines) > MOST_DATES:
            raise forms.ValidationError(_("These are more than %(count)d lines.") % {"count": MOST_DATES})
        return sorted({_stretch(line) for line in lines})

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or []))
        except forms.ValidationError:
            return True


class TimesField(forms.CharField):
    """Times of day with commas between them, kept as HH:MM."""

    widget = UnfoldAdminTextInputWidget(attrs={"placeholder": "12:30, 18:00"})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return sorted({_time(word) for word in re.split(r"[,;\s]+", str(value or "")) if word})

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or []))
        except forms.ValidationError:
            return True


class ScheduleForm(DeskForm[Schedule]):
    weekdays = WeekdaysField(label=gettext_lazy("On"), initial=list(WEEKDAYS))
    time_zone = time_zone_field(label=gettext_lazy("Time zone"), initial=settings.TIME_ZONE)
    more_times = TimesField(
        label=gettext_lazy("and at"), required=False, help_text=gettext_lazy("Several times a day, with commas.")
    )
    skipped_dates = DatesField(
        label=gettext_lazy("Skipped dates"), required=False,
        help_text=gettext_lazy("One date a line; it does not run then. What is waiting goes out with the next run."),
    )  # fmt: skip

    class Meta:
        model = Schedule
        fields = [
            "newsletter", "cadence", "time", "more_times", "time_zone", "in_readers_zone", "weekdays", "every_weeks",
            "day_of_month", "nth_weekday", "first_date", "last_date", "paused_until", "skipped_dates", "min_articles",
            "latest_days", "max_articles", "max_per_topic", "window_days", "approval", "draft_minutes",
            "tolerance_minutes", "when_late", "is_active",
        ]  # fmt: skip
        help_texts = {
            "min_articles": gettext_lazy("With fewer, the run is skipped and they wait for the next."),
            "max_articles": gettext_lazy("What is over waits for the next."),
            "window_days": gettext_lazy(
                "At least since the run before, whatever stands here; in a weekly or rarer digest, the one before it."
            ),
            "day_of_month": gettext_lazy("Of a monthly schedule; the last day if the month is shorter."),
            "nth_weekday": gettext_lazy("Of a monthly schedule: of the days chosen under “On”, instead of a date."),
            "every_weeks": gettext_lazy("1 is every week, 2 every second; counted from the week of the first day."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for field, problem in self._problems():
            self.add_error(field if field in self.fields else None, problem)
        return cleaned

    def _problems(self) -> Iterable[tuple[str, str]]:
        cadence, weekdays = self._value("cadence"), self._value("weekdays")
        is_by_date = cadence == Cadence.MONTHLY and self._value("nth_weekday") is None
        if not is_by_date and not weekdays and "weekdays" not in self.errors:
            yield "weekdays", _("Choose a weekday at least, or the schedule never runs.")
        if self._value("more_times") and cadence != Cadence.SEVERAL:
            yield "more_times", _("Only readers who chose “several times a day” get more than one a day.")
        if (self._value("every_weeks") or 1) > 1 and not self._value("first_date"):
            yield "first_date", _("Say on which day it begins: the weeks are counted from there.")
        if (self._value("every_weeks") or 1) > 1 and cadence in {Cadence.MONTHLY, Cadence.IMMEDIATE}:
            yield "every_weeks", _("A monthly schedule, or one with every article, knows no weeks: leave it at 1.")
        if self._value("in_readers_zone") and cadence == Cadence.IMMEDIATE:
            yield "in_readers_zone", _("Every article goes out at once, so there is no time that could be theirs.")
        yield from self._problems_of_limits()

    def _problems_of_limits(self) -> Iterable[tuple[str, str]]:
        first, last = self._value("first_date"), self._value("last_date")
        if first and last and last < first:
            yield "last_date", _("It would end before it begins.")
        least, most = self._value("min_articles"), self._value("max_articles")
        if least is not None and most is not None and most < least:
            yield "max_articles", _("The most cannot be fewer than the fewest.")
        if (self._value("latest_days") or 0) > (self._value("window_days") or 0):
            yield "latest_days", _("An article is too old before that: it waits at most as many days as stand below.")
        newsletter, at = self._value("newsletter"), self._value("time")
        if newsletter and at and self._value("cadence") != Cadence.IMMEDIATE:
            quiet = [each for each in [at, *_times(self._value("more_times"))] if newsletter.is_quiet_at(each)]
            if quiet:
                yield "time", _("%(time)s is in the newsletter's quiet hours.") % {"time": f"{quiet[0]:%H:%M}"}

    def _value(self, name: str) -> Any:
        """As it would be saved: from the form, or as it is, where the form has no such field."""
        if name in self.fields:
            return self.cleaned_data.get(name)
        if name == "newsletter" and self.instance.newsletter_id is None:
            return None
        return getattr(self.instance, name)


def _times(words: Any) -> list[time]:
    return [time.fromisoformat(word) for word in words or []]


def _stretch(line: str) -> str:
    days = [_date(word) for word in STRETCH.split(line)]
    if len(days) > 2 or (len(days) == 2 and days[1] < days[0]):
        raise forms.ValidationError(
            _("“%(line)s” is no stretch of days. Write it as 2026-12-24 to 2027-01-02.") % {"line": line}
        )
    return "/".join(day.isoformat() for day in days)


def _date(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        raise forms.ValidationError(_("“%(date)s” is no date. Write it as 2026-12-25.") % {"date": word}) from error


def _time(word: str) -> str:
    try:
        return f"{time.fromisoformat(word.zfill(5)):%H:%M}"
    except ValueError as error:
        raise forms.ValidationError(_("“%(time)s” is no time. Write it as 18:00.") % {"time": word}) from error
