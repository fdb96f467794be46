"""What is held ends: when the next run carries its articles, or when nobody did anything with it for long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.digests import approval, drafting
from newsletter.digests.expiring import LONGEST_HELD, expire_held
from newsletter.digests.models import Issue
from tests.factories import NOW, make_article, make_editor, make_issue, make_newsletter, make_schedule

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_held_run_ends_with_the_next_one_and_its_articles_go_there() -> None:
    make_schedule(approval="required")
    article = make_article()
    drafting.run_due(now=NOW)
    first = Issue.objects.get()
    assert first.status == Issue.Status.HELD

    drafting.run_due(now=NOW + DAY - timedelta(minutes=30))  # the next draft is open
    first.refresh_from_db()
    assert first.status == Issue.Status.HELD
    drafting.run_due(now=NOW + DAY)

    first.refresh_from_db()
    second = Issue.objects.exclude(pk=first.pk).get()
    assert (first.status, second.status) == (Issue.Status.EXPIRED, Issue.Status.HELD)
    assert "next run" in first.reason
    assert article in second.articles.all()
    assert not Issue.objects.waiting().filter(pk=first.pk).exists()


def test_what_is_written_by_hand_ends_long_after_somebody_last_worked_on_it() -> None:
    editor = make_editor()
    left, tended = (make_issue(newsletter=make_newsletter(kind="announcements"), body="Closed.") for _ in range(2))
    for issue in (left, tended):
        approval.hold(issue, by=editor, now=NOW)
    later = NOW + LONGEST_HELD + timedelta(minutes=1)
    tended.versions.update(at=later - DAY)

    before, after = list(expire_held(now=NOW + LONGEST_HELD)), list(expire_held(now=later))

    assert (before, after) == ([], [left])
    with pytest.raises(approval.DecidedError):
        approval.approve(left, by=editor, now=later)


def test_what_is_held_before_its_time_waits_for_it() -> None:
    issue = make_issue(send_at=NOW + 60 * DAY)
    approval.hold(issue, by=make_editor(), now=NOW)

    assert list(expire_held(now=NOW + 59 * DAY)) == []
