"""What a schedule means, in one sentence, and its next runs with what the clocks do to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, time_format
from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from newsletter.digests import scheduling
from newsletter.digests.models import Schedule
from newsletter.digests.scheduling import Run
from newsletter.subscribers.models import Cadence

SHOWN_RUNS = 5
WORKDAYS = frozenset(range(5))


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A planned run as people of its zone write it; ``remark`` says what a change of the clocks does to it."""

    at: datetime
    day: str  # YYYY-MM-DD
    shown: str
    remark: str


def sentence(schedule: Schedule) -> str:
    """``Every weekday at 07:00 Europe/Paris, if there is at least 1 story; up to 10; the rest waits up to 3 days.``"""
    is_rare = scheduling.longest_gap(schedule) >= 7
    days = scheduling.waiting_days(schedule) if is_rare else schedule.window_days
    return _("%(when)s, %(condition)s; %(most)s; %(rest)s.") % {
        "when": _when(schedule),
        "condition": _condition(schedule),
        "most": ngettext("up to %(count)d", "up to %(count)d", schedule.max_articles)
        % {"count": schedule.max_articles},
        "rest": ngettext("the rest waits up to %(count)d day", "the rest waits up to %(count)d days", days)
        % {"count": days},
    }


def remarks(schedule: Schedule) -> Iterator[str]:
    """What else there is to say of it, a sentence each."""
    if not schedule.is_active:
        yield _("Switched off: it does not run.")
    if schedule.approval == Schedule.Approval.REQUIRED:
        yield _("It waits for an editor's approval.")
    yield from _borders(schedule)
    newsletter = schedule.newsletter if schedule.newsletter_id else None
    if newsletter and newsletter.quiet_from and newsletter.quiet_until and schedule.cadence == Cadence.IMMEDIATE:
        hours = {"from": time_format(newsletter.quiet_from, "H:i"), "until": time_format(newsletter.quiet_until, "H:i")}
        yield _("Nothing goes out from %(from)s to %(until)s; what comes in meanwhile goes out together.") % hours
    if newsletter and schedule.cadence != Cadence.IMMEDIATE:
        for at in filter(newsletter.is_quiet_at, scheduling.times_of(schedule)):
            told = _("%(time)s is in the newsletter's quiet hours: what is on time goes out all the same.")
            yield told % {"time": time_format(at, "H:i")}
    if newsletter and newsletter.offers_delivery_time and schedule.cadence in {"daily", "weekly", "monthly"}:
        yield _("Readers who chose another hour get it then, within a day.")
    if schedule.cadence != Cadence.IMMEDIATE:
        yield _late(schedule)


def next_runs(schedule: Schedule, *, now: datetime) -> list[ShownRun]:
    """The next five, or fewer if it ends before."""
    zone = ZoneInfo(schedule.time_zone)
    if not schedule.is_active:
        return []
    shown: list[ShownRun] = []
    before = now
    for run in islice(scheduling.runs(schedule, after=now), SHOWN_RUNS):
        local = run.at.astimezone(zone)
        told = date_format(local, "l j F, H:i" if local.year == now.astimezone(zone).year else "l j F Y, H:i")
        shown.append(ShownRun(run.at, run.day.isoformat(), told, _remark(schedule, run, zone, before=before)))
        before = run.at
    return shown


def _when(schedule: Schedule) -> str:
    days = days_in_words(schedule)
    if schedule.cadence == Cadence.IMMEDIATE:
        minutes = settings.ARTICLE_GRACE_MINUTES
        soon = ngettext(
            "with every article, %(count)d minute after it is released",
            "with every article, %(count)d minutes after it is released",
            minutes,
        ) % {"count": minutes} if minutes else _("with every article, as soon as it is released")  # fmt: skip
        return f"{days}, {soon}"
    times = get_text_list(
        [time_format(at, "H:i") for at in scheduling.times_of(schedule)], pgettext("last of a list", "and")
    )
    values = {"days": days, "times": times, "zone": schedule.time_zone.replace("_", " ")}
    if schedule.in_readers_zone:
        return _("%(days)s at %(times)s in each reader's own time zone (ready at that time in %(zone)s)") % values
    return _("%(days)s at %(times)s %(zone)s") % values


def days_in_words(schedule: Schedule) -> str:
    """``Every second week on Friday``, ``On the last day of every month``."""
    if schedule.cadence == Cadence.MONTHLY:
        return _day_of_month(schedule)
    days = frozenset(schedule.weekdays)
    names = _names(sorted(days), pgettext("last of a list", "and"))
    if schedule.every_weeks == 2:
        return _("Every second week on %(days)s") % {"days": names}
    if schedule.every_weeks > 2:
        return _("Every %(count)d weeks on %(days)s") % {"count": schedule.every_weeks, "days": names}
    if len(days) == 7:
        return _("Every day")
    if days == WORKDAYS:
        return _("Every weekday")
    return _("Every %(days)s") % {"days": names} if len(days) == 1 else _("On %(days)s") % {"days": names}


def _day_of_month(schedule: Schedule) -> str:
    if schedule.nth_weekday is not None:
        days = frozenset(schedule.weekdays)
        or_ = pgettext("last of a list", "or")
        which = _("weekday") if days == WORKDAYS else _("day") if len(days) == 7 else _names(sorted(days), or_)
        nth = Schedule.Nth(schedule.nth_weekday).label
        return _("On the %(nth)s %(days)s of every month") % {"nth": nth, "days": which}
    if schedule.day_of_month == 31:
        return _("On the last day of every month")
    if schedule.day_of_month > 28:
        return _("On day %(day)d of every month, or its last") % {"day": schedule.day_of_month}
    return _("On day %(day)d of every month") % {"day": schedule.day_of_month}


def _condition(schedule: Schedule) -> str:
    least = max(schedule.min_articles, 1)
    values = {"count": least, "days": schedule.latest_days or 0}
    if least > 1 and schedule.latest_days:
        waited = ngettext("one has waited %(days)d day", "one has waited %(days)d days", schedule.latest_days) % values
        return _("if there are at least %(count)d stories, or %(waited)s") % {**values, "waited": waited}
    return ngettext("if there is at least %(count)d story", "if there are at least %(count)d stories", least) % values


def _borders(schedule: Schedule) -> Iterator[str]:
    values = {
        name: date_format(day, "j F Y") if day else ""
        for name, day in [
            ("first", schedule.first_date),
            ("last", schedule.last_date),
            ("until", schedule.paused_until),
        ]
    }
    if schedule.first_date and schedule.last_date:
        yield _("It runs from %(first)s to %(last)s.") % values
    elif schedule.first_date:
        yield _("It begins on %(first)s.") % values
    elif schedule.last_date:
        yield _("It ends on %(last)s.") % values
    if schedule.paused_until:
        yield _("It pauses until %(until)s.") % values


def _late(schedule: Schedule) -> str:
    minutes = schedule.tolerance_minutes
    late = ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    if schedule.when_late == Schedule.WhenLate.SKIP:
        return _("If nothing was running at its time, a run more than %(late)s late is skipped.") % {"late": late}
    return _("If nothing was running at its time, it goes out late; beyond %(late)s it says so.") % {"late": late}


def _remark(schedule: Schedule, run: Run, zone: ZoneInfo, *, before: datetime) -> str:
    """Empty where the clocks do nothing between this run and the moment ``before``."""
    local = run.at.astimezone(zone)
    asked = next((at for at in scheduling.times_of(schedule) if f"{at:%H:%M}" == run.slot), schedule.time)
    values = {"time": time_format(asked, "H:i"), "then": time_format(local.time(), "H:i")}
    if local.time().replace(second=0, microsecond=0) != asked.replace(second=0, microsecond=0, tzinfo=None):
        return _("The clocks jump over %(time)s on this day: it runs at %(then)s.") % values
    if local.replace(fold=1).astimezone(UTC) != run.at:
        return _("%(time)s comes twice on this day: it runs the first time.") % values
    shift = (local.utcoffset() or timedelta()) - (before.astimezone(zone).utcoffset() or timedelta())
    if not shift:
        return ""
    values["shift"] = _duration(abs(shift))
    if shift > timedelta():
        return _("The clocks go forward by %(shift)s before it; it stays at %(time)s.") % values
    return _("The clocks go back by %(shift)s before it; it stays at %(time)s.") % values


def _duration(shift: timedelta) -> str:
    minutes = round(shift.total_seconds() / 60)
    if minutes % 60:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    return ngettext("%(count)d hour", "%(count)d hours", minutes // 60) % {"count": minutes // 60}


def _names(days: Sequence[int], last_word: str) -> str:
    return str(get_text_list([capfirst(str(WEEKDAYS[day])) for day in days], last_word))
