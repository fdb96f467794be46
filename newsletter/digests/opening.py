"""An issue begins: an empty draft with the next number of its newsletter."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Cadence, Newsletter


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
    lock(newsletter)
    number = (newsletter.issues.aggregate(last=Max("number"))["last"] or 0) + 1
    issue = Issue(newsletter=newsletter, number=number, send_at=send_at, cadence=cadence)
    if schedule:
        issue.schedule, issue.run_date, issue.run_slot, issue.cadence = schedule, run_date, run_slot, schedule.cadence
        issue.min_articles, issue.max_articles = schedule.min_articles, schedule.max_articles
        issue.latest_days, issue.max_per_topic = schedule.latest_days, schedule.max_per_topic
    issue.save(force_insert=True)
    return issue


def lock(newsletter: Newsletter) -> None:
    """Who counts its issues at the same time must wait."""
    Newsletter.objects.select_for_update(no_key=True).get(pk=newsletter.pk)
