"""From a schedule to an issue: open the draft, keep it alive, and at the run let the schedule's rule decide."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.digests import approval, preflight, punctuality, scheduling, telling, versions
from newsletter.digests.arranging import arrange, rank
from newsletter.digests.expiring import expire_held
from newsletter.digests.models import Issue, IssueItem, Schedule
from newsletter.digests.opening import lock
from newsletter.digests.opening import new_issue as new_issue
from newsletter.lib.failures import Failures
from newsletter.subscribers.models import Cadence, Newsletter

logger = logging.getLogger(__name__)

UNDECIDED = frozenset({Issue.Status.DRAFT, Issue.Status.IN_REVIEW})
LONGEST_SILENCE_DAYS = 62
DEFAULT_WINDOW_DAYS = 3
LONGEST_KEPT = timedelta(days=366)  # what an editor keeps for later may be as old as this
ISSUES_REMEMBERED = 10  # in which an editor's decision about an article is looked for


def run_due(*, now: datetime) -> list[Issue]:
    """All that schedules ask for now: drafts opened, runs decided. Returns the issues touched.

    A schedule that cannot be run stops no other. Raises an ExceptionGroup, when all is done, if there was one.
    """
    failures = Failures()
    correct_plans(failures=failures, now=now)
    issues = [
        *open_drafts(failures=failures, now=now),
        *keep_alive(failures=failures, now=now),
        *close_runs(failures=failures, now=now),
        *follow_articles(failures=failures, now=now),
        *close_forgotten(failures=failures, now=now),
        *expire_held(now=now),
        *approval.examine_again(failures=failures, now=now),
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
    longest = Schedule.objects.aggregate(minutes=Max("draft_minutes"))["minutes"] or 0
    soon = Schedule.objects.due(now + timedelta(minutes=longest)).select_related("newsletter")
    for schedule in soon:
        planned = schedule.next_run_at
        if planned is None or now < planned - timedelta(minutes=schedule.draft_minutes):
            continue
        with failures:
            issue, is_new = issue_of_run(schedule, planned, now=now)
            if is_new:
                yield issue


def keep_alive(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """Let open drafts follow the articles until their run. Yields those that something came into."""
    for issue in Issue.objects.living(now).select_related("newsletter", "schedule"):
        if failures.attempt(partial(refresh, issue, now=now)):
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
            if issue.schedule and punctuality.waits_for_quiet(issue.schedule, issue.send_at, now=now):
                continue
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

    Of several runs that nobody ran, the last for the same readers is decided and carries the articles of all; the
    others are skipped.
    """
    owed = scheduling.owed_runs(schedule, now=now)
    if not owed or punctuality.waits_for_quiet(schedule, owed[-1].at, now=now):
        return None
    with transaction.atomic():
        for run in punctuality.passed_over(owed, schedule):
            missed, _is_new = issue_of_run(schedule, run.at, now=now)
            if missed.status in UNDECIDED:
                missed.skip(reason=_("Nothing was running at its time. Its articles went with a later run."))
        issue = None
        for run in punctuality.still_wanted(owed, schedule):
            issue, _is_new = issue_of_run(schedule, run.at, now=now)
            if issue.send_at <= now:  # else somebody put it off: it is decided at its own time
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
        lock(schedule.newsletter)
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


def refresh(issue: Issue, *, now: datetime) -> int:
    """Bring a draft up to date. Returns how many articles are new.

    What became eligible is added: at the place that its rank gives it, or behind the others once an editor has set
    the order. What an editor kept for later comes in however old it is; what one dropped stays dropped.
    What was withdrawn or has expired stays listed for the editor; assembly leaves it out. An issue that went out, or
    never will, or that an editor approved, stays as it is.
    """
    if (
        issue.newsletter.kind != Newsletter.Kind.DIGEST
        or issue.is_written
        or not Issue.objects.fillable().filter(pk=issue.pk).exists()
    ):
        return 0
    schedule = issue.schedule
    since = (
        _since(schedule, now=now, run_date=issue.run_date) if schedule else now - timedelta(days=DEFAULT_WINDOW_DAYS)
    )
    before = _decided_before(issue)
    kept = [pk for pk, state in before.items() if state == IssueItem.State.LATER]
    eligible = Article.objects.eligible(since=since, now=now) | Article.objects.eligible(
        since=now - LONGEST_KEPT, now=now
    ).filter(pk__in=kept)
    missing = rank(eligible.exclude(issue_items__issue=issue).values_list("pk", flat=True), now=now)
    position = (issue.items.aggregate(last=Max("position"))["last"] or 0) + 1
    items = [
        IssueItem(issue=issue, article_id=pk, position=position + n, state=_inherited(before.get(pk)))
        for n, pk in enumerate(missing)
    ]
    IssueItem.objects.bulk_create(items, ignore_conflicts=True, batch_size=500)
    if arrange(issue, now=now) or items:
        versions.bump(issue)
    return len(items)


def _decided_before(issue: Issue) -> dict[int, str]:
    """What editors decided in earlier issues of this kind and no later one has told: article -> LATER or DROPPED."""
    earlier = Issue.objects.filter(newsletter=issue.newsletter_id, cadence=issue.cadence, number__lt=issue.number)
    earlier = earlier.filter(is_alert=False).exclude(status=Issue.Status.CANCELLED)
    pks = list(earlier.order_by("-number").values_list("pk", flat=True)[:ISSUES_REMEMBERED])
    found = dict(_decisions().filter(issue__in=pks).values_list("article_id", "state"))
    return {article: state for article, state in found.items() if state in IssueItem.OUT}


def dropped(schedules: Iterable[Schedule], among: Collection[int]) -> set[tuple[int, int]]:
    """What an editor dropped of these articles, and no later issue told: it does not come into a schedule's next issue
    by itself. Each as its newsletter and its article. One query.
    """
    cadences = {(schedule.newsletter_id, schedule.cadence) for schedule in schedules}
    rows = _decisions().filter(article__in=among, issue__newsletter__in={newsletter for newsletter, _ in cadences})
    found: dict[tuple[int, int], str] = {}
    for newsletter, cadence, article, state in rows.values_list(
        "issue__newsletter", "issue__cadence", "article", "state"
    ):
        if (newsletter, cadence) in cadences:
            found[newsletter, article] = state
    return {place for place, state in found.items() if state == IssueItem.State.DROPPED}


def _decisions() -> QuerySet[IssueItem]:
    """Items that editors took out, and those that were told since, the earliest first."""
    issues = Issue.objects.filter(is_alert=False).exclude(status=Issue.Status.CANCELLED)
    rows = IssueItem.objects.filter(Q(state__in=IssueItem.OUT) | Q(issue__launched_at__isnull=False))
    return rows.filter(issue__in=issues.order_by()).order_by("issue__number", "pk")


def _inherited(state: str | None) -> IssueItem.State:
    return IssueItem.State.DROPPED if state == IssueItem.State.DROPPED else IssueItem.State.INCLUDED


def window_days(schedule: Schedule, *, now: datetime, run_date: date | None = None) -> int:
    """How old an article may be: what the schedule says, and always back to the run before, else some are lost.

    That is the run for the same readers as the one of ``run_date``. After a stretch of quiet days it is longer ago than
    usual; after two months the old ones expire.
    """
    issues = Issue.objects.filter(schedule=schedule).gone_out()
    if run_date:
        issues = issues.for_readers_of(run_date, schedule.newsletter, schedule.cadence)
    last = issues.filter(launched_at__lte=now).aggregate(at=Max("launched_at"))["at"]
    return window_days_after(last, schedule, now=now)


def window_days_after(last: datetime | None, schedule: Schedule, *, now: datetime) -> int:
    """The same for who knows when its last run was launched.

    And nothing is too old before a run that may go out with fewer for it.
    """
    last = last or schedule.planned_at
    since_last = min((now - last).days + 1, LONGEST_SILENCE_DAYS) if last else 0
    until_fewer = schedule.latest_days + scheduling.longest_gap(schedule) if schedule.latest_days else 0
    return max(scheduling.waiting_days(schedule), until_fewer, since_last)


def _since(schedule: Schedule, *, now: datetime, run_date: date | None = None) -> datetime:
    """What was released later may go in. Who asks for every article gets none from before there was such a schedule."""
    start = now - timedelta(days=window_days(schedule, now=now, run_date=run_date))
    if schedule.cadence == Cadence.IMMEDIATE and schedule.planned_at:
        return max(start, schedule.planned_at)
    return start


def decide(issue: Issue, *, schedule: Schedule, now: datetime) -> None:
    """Apply the schedule's rule to an issue that nobody has decided yet."""
    if issue.status not in UNDECIDED:
        return
    is_late = punctuality.is_late(issue, schedule, now=now)
    if is_late and schedule.when_late == Schedule.WhenLate.SKIP and issue.items.exists():
        punctuality.skip_late(issue, schedule, now=now)
    elif why := why_skipped(issue, schedule, now=now):
        issue.skip(reason=why)
    elif schedule.approval == Schedule.Approval.REQUIRED:
        issue.hold(reason=_("Nobody approved it before its time. Approve it to send it now, or cancel it."))
    else:
        _let_go(
            issue, schedule=schedule, reason=punctuality.lateness(issue, schedule, now=now) if is_late else "", now=now
        )


def why_skipped(issue: Issue, schedule: Schedule, *, now: datetime) -> str:
    """Why a run that nobody approved is skipped at ``now`` instead of held or sent; empty if it is not."""
    if not issue.is_written and not issue.items.exists():
        days = {"days": window_days(schedule, now=now, run_date=issue.run_date)}
        return _("Nothing new: no article was released in the last %(days)d days.") % days
    shortfall = telling.shortfall(issue, now=now) if schedule.approval == Schedule.Approval.REQUIRED else None
    if shortfall is None:
        return ""
    if not shortfall.count:
        return _("Nothing new: all that it could bring went out before.")
    values = {"count": shortfall.count, "minimum": issue.min_articles}
    return _("Too little is new: %(count)d of at least %(minimum)d articles.") % values


def _let_go(issue: Issue, *, schedule: Schedule, reason: str, now: datetime) -> None:
    """Approve it by the schedule's rule, unless something is wrong that an editor must see."""
    if schedule.approval == Schedule.Approval.NO_INTRO and issue.intro:
        versions.leave_out_intro(issue, now=now)
    if problems := preflight.errors(issue, now=now):
        issue.hold(reason=(_("Held by the preflight: %(problem)s") % {"problem": problems[0]})[:300])
    else:
        issue.approve(now=now, reason=reason)
