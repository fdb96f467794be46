"""From a schedule to an issue: open the draft, keep it alive, and at the run let the schedule's rule decide."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.digests import punctuality, scheduling
from newsletter.digests.arranging import arrange, rank
from newsletter.digests.models import Issue, IssueItem, Schedule
from newsletter.lib.failures import Failures
from newsletter.subscribers.models import Cadence, Newsletter

logger = logging.getLogger(__name__)

UNDECIDED = frozenset({Issue.Status.DRAFT, Issue.Status.IN_REVIEW})
LONGEST_SILENCE_DAYS = 62
LONGEST_DRAFT = timedelta(days=2)
DEFAULT_WINDOW_DAYS = 3


def run_due(*, now: datetime) -> list[Issue]:
    """All that schedules ask for now: drafts opened, runs decided. Returns the issues touched.

    A schedule that cannot be run stops no other. Raises an ExceptionGroup, when all is done, if there was one.
    """
    failures = Failures()
    correct_plans(failures=failures, now=now)
    issues = [
        *open_drafts(failures=failures, now=now),
        *close_runs(failures=failures, now=now),
        *follow_articles(failures=failures, now=now),
        *close_forgotten(failures=failures, now=now),
    ]
    failures.raise_together()
    return issues


def correct_plans(*, failures: Failures, now: datetime) -> None:
    """Plan what was saved by whoever does not plan, and what a clock or the world's time zones have overtaken."""
    active = Schedule.objects.filter(is_active=True).select_related("newsletter").order_by("pk")
    for schedule in active:
        with failures:
            scheduling.correct(schedule, now=now)


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
            elif issue.run_date and scheduling.is_closed(issue.schedule, issue.run_date):
                issue.skip(
                    reason=_("Its date is left out: it is a quiet day, skipped, or outside the schedule's time.")
                )
            else:
                refresh(issue, now=now)
                decide(issue, schedule=issue.schedule, now=now)
            yield issue


def _close_run(schedule: Schedule, *, now: datetime) -> Issue | None:
    """Decide the due run and move on to the next. None if another scheduler was faster.

    Of several runs that nobody ran, the last is decided and carries the articles of all; the others are skipped.
    """
    owed = scheduling.owed_runs(schedule, now=now)
    if not owed:
        return None
    with transaction.atomic():
        for run in punctuality.passed_over(owed):
            missed, _is_new = issue_of_run(schedule, run.at, now=now)
            if missed.status in UNDECIDED:
                missed.skip(reason=_("Nothing was running at its time. Its articles went with a later run."))
        issue, _is_new = issue_of_run(schedule, owed[-1].at, now=now)
        refresh(issue, now=now)
        decide(issue, schedule=schedule, now=now)
        return issue if scheduling.advance(schedule, now=now) else None


def follow_articles(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """An issue for every schedule that goes out with each article, as soon as there is one. Yields the issues."""
    for schedule in Schedule.objects.with_every_article().select_related("newsletter"):
        issue = failures.attempt(partial(_follow, schedule, now=now))
        if issue:
            logger.info("article for schedule %s: issue %s %s", schedule.pk, issue.pk, issue.status)
            yield issue


def _follow(schedule: Schedule, *, now: datetime) -> Issue | None:
    """Everything that is new since the last such issue goes together; in quiet hours and on quiet days it waits."""
    local = now.astimezone(ZoneInfo(schedule.time_zone))
    is_open = scheduling.runs_on(schedule, local.date()) and not scheduling.is_closed(schedule, local.date())
    if not is_open or schedule.newsletter.is_quiet_at(local.time()) or not _calling(schedule, now=now):
        return None
    with transaction.atomic():
        _lock(schedule.newsletter)
        article = _calling(schedule, now=now)
        if article is None:  # another scheduler was faster
            return None
        issue = new_issue(
            schedule.newsletter, send_at=now, schedule=schedule, run_date=local.date(), run_slot=f"article {article.pk}"
        )
        refresh(issue, now=now)
        decide(issue, schedule=schedule, now=now)
    return issue


def _calling(schedule: Schedule, *, now: datetime) -> Article | None:
    """The newest article that calls for an issue: released since the schedule was set, and in none of its issues."""
    eligible = Article.objects.eligible(since=_since(schedule, now=now), now=now)
    return eligible.exclude(issue_items__issue__schedule=schedule).first()


def issue_of_run(schedule: Schedule, planned: datetime, *, now: datetime) -> tuple[Issue, bool]:
    """The one issue of this run, and whether it was made just now. Several schedulers get the same one."""
    run = scheduling.run_at(schedule, planned)
    same = Issue.objects.filter(schedule=schedule, run_date=run.day, run_slot=run.slot)
    if issue := same.select_related("newsletter").first():
        return issue, False
    try:
        with transaction.atomic():
            issue = new_issue(
                schedule.newsletter, send_at=planned, schedule=schedule, run_date=run.day, run_slot=run.slot
            )
            refresh(issue, now=now)
    except IntegrityError:  # another scheduler was faster
        return same.get(), False
    return issue, True


@transaction.atomic
def new_issue(
    newsletter: Newsletter,
    *,
    send_at: datetime,
    schedule: Schedule | None = None,
    run_date: date | None = None,
    run_slot: str = "",
    cadence: Cadence | str = "",
) -> Issue:
    """An empty draft with the next number. Raises IntegrityError if another caller made the issue of this run."""
    _lock(newsletter)
    number = (newsletter.issues.aggregate(last=Max("number"))["last"] or 0) + 1
    issue = Issue(newsletter=newsletter, number=number, send_at=send_at, cadence=cadence)
    if schedule:
        issue.schedule, issue.run_date, issue.run_slot, issue.cadence = schedule, run_date, run_slot, schedule.cadence
        issue.min_articles, issue.max_articles = schedule.min_articles, schedule.max_articles
        issue.latest_days, issue.max_per_topic = schedule.latest_days, schedule.max_per_topic
    issue.save(force_insert=True)
    return issue


def _lock(newsletter: Newsletter) -> None:
    """Who counts its issues at the same time must wait."""
    Newsletter.objects.select_for_update(no_key=True).get(pk=newsletter.pk)


def refresh(issue: Issue, *, now: datetime) -> int:
    """Bring a draft up to date. Returns how many articles are new.

    What became eligible is added: at the place that its rank gives it, or behind the others once an editor has set
    the order.
    What was withdrawn or has expired stays listed for the editor; assembly leaves it out. An issue that went out, or
    never will, or that an editor approved, stays as it is.
    """
    if issue.newsletter.kind != Newsletter.Kind.DIGEST or not Issue.objects.fillable().filter(pk=issue.pk).exists():
        return 0
    since = _since(issue.schedule, now=now) if issue.schedule else now - timedelta(days=DEFAULT_WINDOW_DAYS)
    eligible = Article.objects.eligible(since=since, now=now)
    missing = rank(eligible.exclude(issue_items__issue=issue).values_list("pk", flat=True), now=now)
    position = (issue.items.aggregate(last=Max("position"))["last"] or 0) + 1
    items = [IssueItem(issue=issue, article_id=pk, position=position + n) for n, pk in enumerate(missing)]
    IssueItem.objects.bulk_create(items, ignore_conflicts=True, batch_size=500)
    arrange(issue, now=now)
    return len(items)


def window_days(schedule: Schedule, *, now: datetime) -> int:
    """How old an article may be: what the schedule says, and always back to the run before, else some are lost.

    After a stretch of quiet days that is longer than usual; after two months the old ones expire.
    """
    last = schedule.issues.filter(launched_at__lte=now).aggregate(at=Max("launched_at"))["at"] or schedule.planned_at
    since_last = min((now - last).days + 1, LONGEST_SILENCE_DAYS) if last else 0
    return max(schedule.window_days, scheduling.longest_gap(schedule) + 1, since_last)


def _since(schedule: Schedule, *, now: datetime) -> datetime:
    """What was released later may go in. Who asks for every article gets none from before there was such a schedule."""
    start = now - timedelta(days=window_days(schedule, now=now))
    if schedule.cadence == Cadence.IMMEDIATE and schedule.planned_at:
        return max(start, schedule.planned_at)
    return start


def decide(issue: Issue, *, schedule: Schedule, now: datetime) -> None:
    """Apply the schedule's rule to an issue that nobody has decided yet."""
    if issue.status not in UNDECIDED:
        return
    is_late = punctuality.is_late(issue, schedule, now=now)
    if issue.newsletter.kind == Newsletter.Kind.DIGEST and not issue.items.exists():
        days = {"days": window_days(schedule, now=now)}
        issue.skip(reason=_("Nothing new: no article was released in the last %(days)d days.") % days)
    elif is_late and schedule.when_late == Schedule.WhenLate.SKIP:
        punctuality.skip_late(issue, schedule, now=now)
    elif schedule.approval == Schedule.Approval.AUTOMATIC:
        issue.approve(now=now, reason=punctuality.lateness(issue, schedule, now=now) if is_late else "")
    else:
        issue.hold(reason=_("Nobody approved it before its time. Approve it to send it now, or cancel it."))
