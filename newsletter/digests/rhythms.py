"""How often each newsletter really comes, noted where the sign-up forms of the part below can read it.

For a digest: what its active schedules plan, times the share of the latest runs that went out (the others had nothing
new), and the articles that the editions of those carried. For what is written by hand: what went out lately.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Count, Q

from articles.models import Article
from newsletter.digests.models import Edition, Issue, Schedule
from newsletter.digests.scheduling import times_of
from newsletter.subscribers.models import Cadence, Newsletter
from newsletter.subscribers.rhythm import WEEKS_PER_MONTH, Rhythm

FRESH = timedelta(hours=1)
LATELY = timedelta(days=28)
LATELY_BY_HAND = timedelta(days=84)
FEWEST_RUNS = 3  # fewer say nothing of the next ones
WEEK = timedelta(days=7)


def note_due(*, now: datetime) -> int:
    """Note anew what was noted an hour ago, or before a schedule was changed. Returns how many newsletters."""
    stale = Newsletter.objects.filter(Q(rhythm_noted_at=None) | Q(rhythm_noted_at__lte=now - FRESH)).order_by("pk")
    for newsletter in stale:
        facts = {cadence: rhythm.as_fact() for cadence, rhythm in rhythms_of(newsletter, now=now).items()}
        Newsletter.objects.filter(pk=newsletter.pk).update(rhythm=facts, rhythm_noted_at=now)
    return len(stale)


def rhythms_of(newsletter: Newsletter, *, now: datetime) -> dict[str, Rhythm]:
    """The rhythm for the readers of each cadence; empty where nothing can be said."""
    if newsletter.kind != Newsletter.Kind.DIGEST:
        return _by_hand(newsletter, now=now)
    return {
        cadence: Rhythm(planned * _share_sent(newsletter, cadence, now=now), _articles(newsletter, cadence, now=now))
        for cadence, planned in _planned(newsletter, now=now).items()
    }


def _planned(newsletter: Newsletter, *, now: datetime) -> dict[str, float]:
    """Runs a week of the active schedules, by cadence."""
    runs: dict[str, float] = defaultdict(float)
    active = Schedule.objects.filter(newsletter=newsletter, is_active=True)
    for schedule in active.exclude(last_date__lt=now.date()).order_by("pk"):
        runs[schedule.cadence] += _runs_a_week(schedule, now=now)
    return {cadence: count for cadence, count in runs.items() if count}


def _runs_a_week(schedule: Schedule, *, now: datetime) -> float:
    """With every article: as many as there lately were."""
    if schedule.cadence == Cadence.IMMEDIATE:
        return Article.objects.eligible(since=now - LATELY, now=now).count() / (LATELY / WEEK)
    if schedule.cadence == Cadence.MONTHLY:
        return 1 / WEEKS_PER_MONTH
    return len(set(schedule.weekdays)) * len(times_of(schedule)) / schedule.every_weeks


def _share_sent(newsletter: Newsletter, cadence: str, *, now: datetime) -> float:
    """Which part of the planned runs of the last four weeks went out; all, if there were too few to tell."""
    runs = Issue.objects.filter(
        newsletter=newsletter, cadence=cadence, schedule__isnull=False, send_at__gt=now - LATELY, send_at__lte=now
    ).exclude(status__in=Issue.OPEN)
    counts = runs.aggregate(all=Count("pk"), sent=Count("pk", filter=Q(launched_at__isnull=False)))
    return counts["sent"] / counts["all"] if counts["all"] >= FEWEST_RUNS else 1.0


def _articles(newsletter: Newsletter, cadence: str, *, now: datetime) -> int:
    """How many articles the editions of the last four weeks carried, on average; 0 if there were none."""
    editions = Edition.objects.filter(
        issue__newsletter=newsletter, issue__cadence=cadence, issue__launched_at__gt=now - LATELY
    )
    counts = editions.aggregate(editions=Count("pk", distinct=True), articles=Count("items"))
    return round(counts["articles"] / counts["editions"]) if counts["editions"] else 0


def _by_hand(newsletter: Newsletter, *, now: datetime) -> dict[str, Rhythm]:
    sent = Issue.objects.filter(newsletter=newsletter, launched_at__isnull=False, launched_at__lte=now)
    first = sent.order_by("launched_at").values_list("launched_at", flat=True).first()
    if first is None or now - first < LATELY:
        return {}
    period = min(now - first, LATELY_BY_HAND)
    count = sent.filter(launched_at__gt=now - period).count()
    return {"": Rhythm(count / (period / WEEK))} if count else {}
