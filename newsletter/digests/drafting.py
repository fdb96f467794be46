"""From a schedule to an issue: open the draft, keep it alive, and at the run let the schedule's rule decide."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.digests import scheduling
from newsletter.digests.models import Issue, IssueItem, Schedule
from newsletter.lib.failures import Failures
from newsletter.subscribers.models import Cadence, Newsletter

logger = logging.getLogger(__name__)

LONGEST_DRAFT = timedelta(days=2)
DEFAULT_WINDOW_DAYS = 3


def run_due(*, now: datetime) -> list[Issue]:
    """All that schedules ask for now: drafts opened, runs decided. Returns the issues touched.

    A schedule that cannot be run stops no other. Raises an ExceptionGroup, when all is done, if there was one.
    """
    failures = Failures()
    plan_new(failures=failures, now=now)
    issues = [
        *open_drafts(failures=failures, now=now),
        *close_runs(failures=failures, now=now),
        *close_forgotten(failures=failures, now=now),
    ]
    failures.raise_together()
    return issues


def plan_new(*, failures: Failures, now: datetime) -> None:
    """Plan the schedules that were saved by whoever does not plan: a shell, a fixture, another program."""
    for schedule in Schedule.objects.unplanned():
        with failures:
            scheduling.plan(schedule, now=now)


def open_drafts(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """Draft the issue of every schedule whose draft time has come. Yields the issues that are new."""
    soon = Schedule.objects.due(now + LONGEST_DRAFT).select_related("newsletter")
    for schedule in soon:
        planned = schedule.next_run_at
        if planned is None or now < planned - timedelta(minutes=schedule.draft_minutes):
            continue
        with failures:
            issue, is_new = issue_of_run(schedule, planned, now=now)
            if is_new:
                yield issue


def close_runs(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """Decide every run whose time has come: approved, held or skipped. Yields the issues; harmless to repeat."""
    for schedule in Schedule.objects.due(now).select_related("newsletter"):
        issue = failures.attempt(partial(_close_run, schedule, now=now))
        if issue:
            logger.info("run of schedule %s on %s: issue %s %s", schedule.pk, issue.run_date, issue.pk, issue.status)
            yield issue


def close_forgotten(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """Decide the drafts whose schedule no longer has that run, because it was changed, switched off or deleted."""
    for issue in Issue.objects.undecided(now).select_related("newsletter", "schedule"):
        with failures:
            if issue.schedule is None:
                issue.hold(reason=_("Its schedule was deleted. Approve it to send it now, or cancel it."))
            elif not issue.schedule.is_active:
                issue.skip(reason=_("Its schedule was switched off."))
            else:
                refresh(issue, now=now)
                decide(issue, schedule=issue.schedule, now=now)
            yield issue


def _close_run(schedule: Schedule, *, now: datetime) -> Issue | None:
    """Decide the due run and move on to the next. None if another scheduler was faster."""
    planned = schedule.next_run_at
    if planned is None:
        return None
    with transaction.atomic():
        issue, _is_new = issue_of_run(schedule, planned, now=now)
        refresh(issue, now=now)
        decide(issue, schedule=schedule, now=now)
        return issue if scheduling.advance(schedule, now=now) else None


def issue_of_run(schedule: Schedule, planned: datetime, *, now: datetime) -> tuple[Issue, bool]:
    """The one issue of this run, and whether it was made just now. Several schedulers get the same one."""
    run_date = scheduling.run_date(schedule, planned)
    try:
        return Issue.objects.get(schedule=schedule, run_date=run_date), False
    except Issue.DoesNotExist:
        pass
    try:
        with transaction.atomic():
            issue = new_issue(schedule.newsletter, send_at=planned, schedule=schedule, run_date=run_date)
            refresh(issue, now=now)
    except IntegrityError:  # another scheduler was faster
        return Issue.objects.get(schedule=schedule, run_date=run_date), False
    return issue, True


@transaction.atomic
def new_issue(
    newsletter: Newsletter,
    *,
    send_at: datetime,
    schedule: Schedule | None = None,
    run_date: date | None = None,
    cadence: Cadence | str = "",
) -> Issue:
    """An empty draft with the next number. Raises IntegrityError if another caller made the issue of this run."""
    Newsletter.objects.select_for_update(no_key=True).get(pk=newsletter.pk)  # who counts at the same time must wait
    number = (newsletter.issues.aggregate(last=Max("number"))["last"] or 0) + 1
    issue = Issue(newsletter=newsletter, number=number, send_at=send_at, cadence=cadence)
    if schedule:
        issue.schedule, issue.run_date, issue.cadence = schedule, run_date, schedule.cadence
        issue.min_articles, issue.max_articles = schedule.min_articles, schedule.max_articles
    issue.save(force_insert=True)
    return issue


def refresh(issue: Issue, *, now: datetime) -> int:
    """Bring a draft up to date: articles that became eligible are added behind the others. Returns how many.

    What was withdrawn or has expired stays listed for the editor; assembly leaves it out. An issue that went out, or
    never will, or that an editor approved, stays as it is.
    """
    if issue.newsletter.kind != Newsletter.Kind.DIGEST or not Issue.objects.fillable().filter(pk=issue.pk).exists():
        return 0
    days = window_days(issue.schedule) if issue.schedule else DEFAULT_WINDOW_DAYS
    eligible = Article.objects.eligible(since=now - timedelta(days=days), now=now)
    missing = eligible.exclude(issue_items__issue=issue).values_list("pk", flat=True)
    position = (issue.items.aggregate(last=Max("position"))["last"] or 0) + 1
    items = [IssueItem(issue=issue, article_id=pk, position=position + n) for n, pk in enumerate(missing)]
    IssueItem.objects.bulk_create(items, ignore_conflicts=True, batch_size=500)
    return len(items)


def window_days(schedule: Schedule) -> int:
    """How old an article may be: what the schedule says, and always back to the run before, else some are lost."""
    return max(schedule.window_days, scheduling.longest_gap(schedule) + 1)


def decide(issue: Issue, *, schedule: Schedule, now: datetime) -> None:
    """Apply the schedule's rule to an issue that nobody has decided yet."""
    if issue.status not in {Issue.Status.DRAFT, Issue.Status.IN_REVIEW}:
        return
    if issue.newsletter.kind == Newsletter.Kind.DIGEST and not issue.items.exists():
        days = {"days": window_days(schedule)}
        issue.skip(reason=_("Nothing new: no article was released in the last %(days)d days.") % days)
    elif schedule.approval == Schedule.Approval.AUTOMATIC:
        issue.approve(now=now)
    else:
        issue.hold(reason=_("Nobody approved it before its time. Approve it to send it now, or cancel it."))
