"""What becomes of runs that nobody was there to run: each is late or skipped, as its schedule says, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from newsletter.digests.models import Issue, Schedule
from newsletter.digests.scheduling import Run

MOST_RECORDED = 31  # of the runs that a long stop missed: who was away for a year needs no list of 365


def is_late(issue: Issue, schedule: Schedule, *, now: datetime) -> bool:
    """Whether more than the tolerance has passed since it could have gone out."""
    could_go_at = max(filter(None, [issue.send_at, issue.approved_at]))
    return now - could_go_at > timedelta(minutes=schedule.tolerance_minutes)


def waits_for_quiet(schedule: Schedule, planned: datetime, *, now: datetime) -> bool:
    """Whether a run comes so late that it would fall into quiet hours or on a quiet day: it waits for their end."""
    local = now.astimezone(ZoneInfo(schedule.time_zone))
    newsletter, tolerance = schedule.newsletter, timedelta(minutes=schedule.tolerance_minutes)
    is_quiet = newsletter.is_quiet_on(local.date()) or newsletter.is_quiet_at(local.time())
    return is_quiet and now - planned > tolerance


def lateness(issue: Issue, schedule: Schedule, *, now: datetime) -> str:
    """``It was due at 07:00 and went out late, at 10:12: …``"""
    return _("It was due on %(due)s and is late, on %(now)s: nothing was running at its time.") % {
        "due": _shown(issue.send_at, schedule), "now": _shown(now, schedule),
    }  # fmt: skip


def skip_late(issue: Issue, schedule: Schedule, *, now: datetime) -> bool:
    """Skip it, as the schedule wants of what is late. False if it was launched or decided meanwhile."""
    return issue.skip(
        reason=_("It was due on %(due)s, and nothing was running at its time. Its articles wait for the next run.")
        % {"due": _shown(issue.send_at, schedule)}
    )


def settle_approved(issue: Issue, *, now: datetime) -> bool:
    """Apply the schedule's rule to an approved issue that is late when it is launched. False: it must not go out."""
    schedule = issue.schedule
    if schedule is None or not is_late(issue, schedule, now=now):
        return True
    if schedule.when_late == Schedule.WhenLate.SKIP:
        skip_late(issue, schedule, now=now)
        return False
    issue.reason = issue.reason or lateness(issue, schedule, now=now)
    Issue.objects.filter(pk=issue.pk, launched_at=None).update(reason=issue.reason)
    return True


def still_wanted(runs: Sequence[Run], schedule: Schedule) -> Sequence[Run]:
    """Of runs that are all owed, the last; where each day of the week has readers of its own, the last of each."""
    if not schedule.newsletter.parts_by_weekday(schedule.cadence):
        return runs[-1:]
    last = {run.day.weekday(): run for run in runs}
    return sorted(last.values(), key=lambda run: run.at)


def passed_over(runs: Sequence[Run], schedule: Schedule) -> Sequence[Run]:
    """The others: what comes after them carries what they would have."""
    wanted = still_wanted(runs, schedule)
    return [run for run in runs if run not in wanted][-MOST_RECORDED:]


def _shown(at: datetime, schedule: Schedule) -> str:
    return date_format(at.astimezone(ZoneInfo(schedule.time_zone)), "j M, H:i")
