"""One issue for readers whose hours differ: each gets it once, at theirs, with what is new by then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from newsletter.delivery import campaigns, claiming, sweeping
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.settling import Ledger
from newsletter.digests import drafting
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Newsletter, PersonalMail, Subscription, WelcomeMail
from tests.delivery.own_hours import punctual_newsletter, reader, ready, served_at, sweep
from tests.factories import (
    NOW,
    make_article,
    make_editor,
    make_issue,
    make_newsletter,
    make_schedule,
    make_subscriber,
    make_subscription,
    send_to,
)

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def punctual() -> Newsletter:
    return punctual_newsletter()


def test_everybody_gets_it_at_their_hour_once(punctual: Newsletter) -> None:
    as_newsletter = reader(punctual)
    paris_at_six, paris_at_nine = reader(punctual, hour=6), reader(punctual, hour=9)
    new_york_at_seven = reader(punctual, zone="America/New_York", hour=7)
    unknown_zone = reader(punctual, zone="Mars/Base", hour=9)
    ready(punctual)

    served = served_at([NOW + n * HOUR for n in range(25)])

    assert served == {
        as_newsletter.subscriber_id: [NOW],
        paris_at_nine.subscriber_id: [NOW + 2 * HOUR],
        unknown_zone.subscriber_id: [NOW + 2 * HOUR],
        new_york_at_seven.subscriber_id: [NOW + 6 * HOUR],
        paris_at_six.subscriber_id: [NOW + 23 * HOUR],
    }
    sweep(NOW + 25 * HOUR)
    assert Campaign.objects.get().status == Campaign.Status.FINISHED


def test_in_each_readers_zone_it_is_the_newsletters_time_where_they_are() -> None:
    newsletter = make_newsletter()
    home, tokyo = reader(newsletter), reader(newsletter, zone="Asia/Tokyo")
    lima = reader(newsletter, zone="America/Lima")
    ready(newsletter, in_readers_zone=True, time_zone="Asia/Tokyo", time=time(15))

    served = served_at([NOW + n * HOUR for n in range(25)])

    assert served == {home.subscriber_id: [NOW], tokyo.subscriber_id: [NOW], lima.subscriber_id: [NOW + 14 * HOUR]}


def test_it_holds_what_is_new_for_the_reader_at_their_hour(punctual: Newsletter) -> None:
    evening = reader(punctual, hour=20)
    kept, withdrawn, alerted = make_article(), make_article(), make_article()
    ready(punctual)
    sweep(NOW)
    alert = make_issue(newsletter=make_newsletter(), articles=[alerted])
    make_subscription(newsletter=alert.newsletter, subscriber=evening.subscriber)
    alert.approve(by=make_editor(), now=NOW)
    sweep(NOW + HOUR)
    withdrawn.withdraw(NOW + 2 * HOUR)
    make_article(released_at=NOW + 3 * HOUR)  # for the next issue

    sweep(NOW + 13 * HOUR)

    send = send_to(evening)
    assert send.edition
    articles = set(send.edition.articles.all())
    assert kept in articles
    assert len(articles) == 2  # and the one that ready() made


def test_whoever_changes_their_hour_in_between_is_neither_skipped_nor_mailed_twice(punctual: Newsletter) -> None:
    to_later, to_earlier, moves = reader(punctual, hour=8), reader(punctual, hour=20), reader(punctual, hour=9)
    last = reader(punctual, hour=22)
    ready(punctual)
    sweep(NOW)
    sweep(NOW + HOUR)  # 08:00 in Paris

    Subscription.objects.filter(pk=to_later.pk).update(hour=21)
    Subscription.objects.filter(pk=to_earlier.pk).update(hour=8)
    moves.subscriber.time_zone = "America/Los_Angeles"
    moves.subscriber.save()
    for hours in range(2, 26):
        sweep(NOW + hours * HOUR)

    sent = Send.objects.filter(status=Send.Status.SENT)
    assert sorted(sent.values_list("subscriber_id", flat=True)) == [
        each.subscriber_id for each in (to_later, to_earlier, moves, last)
    ]


def test_two_sweeps_at_once_serve_a_wave_once(punctual: Newsletter) -> None:
    reader(punctual, hour=8)
    ready(punctual)
    sweep(NOW)
    one, other = Campaign.objects.get(), Campaign.objects.get()

    for campaign in (one, other):
        campaigns.launch_wave(campaign, now=NOW + HOUR)

    assert Send.objects.count() == 1


def test_pause_holds_the_next_readers_and_cancelling_forgets_them(punctual: Newsletter) -> None:
    reader(punctual, hour=8)
    ready(punctual)
    sweep(NOW)
    campaign = Campaign.objects.get()
    campaign.pause(reason="wait")
    sweep(NOW + 2 * HOUR)
    while_paused = Send.objects.count()

    campaign.resume(NOW)
    sweep(NOW + 3 * HOUR)

    assert (while_paused, Send.objects.count()) == (0, 1)


def test_launching_tells_how_many_wait_for_their_hour(punctual: Newsletter) -> None:
    reader(punctual)
    for _ in range(3):
        reader(punctual, hour=8)
    reader(punctual, hour=20)
    ready(punctual)

    sweep(NOW)
    campaign = Campaign.objects.get()
    sweep(NOW + HOUR)
    later = Campaign.objects.get()

    assert (campaign.coming_count, campaign.next_wave_at) == (4, NOW + HOUR)
    assert (later.coming_count, later.next_wave_at, later.dated_at) == (1, NOW + 13 * HOUR, NOW + HOUR)


def test_weekly_readers_get_it_on_their_day_or_the_newsletters() -> None:
    newsletter = make_newsletter(offers_delivery_time=True, offered_weekdays=[0, 2, 6])
    none, monday, wednesday, not_offered = (
        reader(newsletter, cadence="weekly", weekday=day) for day in (None, 0, 2, 4)
    )
    make_schedule(newsletter=newsletter, cadence="weekly", weekdays=[6], next_run_at=None)
    make_article(released_at=NOW - 3 * HOUR)

    drafting.run_due(now=NOW - HOUR)
    days: dict[int, list[str]] = {}
    for n in range(7):
        drafting.run_due(now=NOW + n * DAY)
        sweep(NOW + n * DAY)
    for send in Send.objects.filter(status=Send.Status.SENT).select_related("campaign"):
        days.setdefault(send.subscriber_id or 0, []).append(f"{send.campaign.started_at:%a}")

    assert days == {
        monday.subscriber_id: ["Mon"],
        wednesday.subscriber_id: ["Wed"],
        none.subscriber_id: ["Sun"],
        not_offered.subscriber_id: ["Sun"],
    }


# --- the cap of a day -------------------------------------------------------------------------------------------------
def test_capped_digest_is_skipped_with_its_reason_and_its_articles_come_the_next_day(settings: Any) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    newsletter, other = make_newsletter(), make_newsletter()
    mine = make_subscription(newsletter=newsletter)
    make_subscription(newsletter=other, subscriber=mine.subscriber)
    first = make_article()
    make_schedule(newsletter=other)
    drafting.run_due(now=NOW)
    sweep(NOW)
    second = make_article(released_at=NOW + HOUR)
    make_schedule(newsletter=newsletter, time=time(9), next_run_at=NOW + 3 * HOUR)

    drafting.run_due(now=NOW + 3 * HOUR)
    sweep(NOW + 3 * HOUR)
    capped = send_to(mine)
    Schedule.objects.filter(newsletter=other).update(is_active=False)
    drafting.run_due(now=NOW + 27 * HOUR)
    sweep(NOW + 27 * HOUR)

    assert (capped.status, capped.reason, capped.edition) == (Send.Status.SKIPPED, Send.Reason.CAPPED, None)
    sent = send_to(mine, status=Send.Status.SENT)
    assert sent.edition
    assert set(sent.edition.articles.all()) == {second}
    assert first not in sent.edition.articles.all()


def test_capped_announcement_waits_for_the_same_hour_of_the_next_day(
    settings: Any, approved_issue: Callable[..., Issue]
) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    updates = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    mine = make_subscription(newsletter=updates)
    morning = make_issue_with_text(updates)
    campaigns.launch(morning, now=NOW)
    Send.objects.update(status=Send.Status.SENT, settled_at=NOW)

    campaign = campaigns.launch(make_issue_with_text(updates), now=NOW + HOUR)

    assert campaign
    send = campaign.sends.get(subscriber=mine.subscriber_id)
    assert (send.status, send.reason, send.next_attempt_at) == (
        Send.Status.DEFERRED, Send.Reason.CAPPED, NOW + HOUR + DAY,
    )  # fmt: skip
    assert campaign not in sweeping.sweep(now=NOW + 2 * HOUR)
    assert campaign in sweeping.sweep(now=NOW + 26 * HOUR)
    claimed = claiming.claim(campaign, now=NOW + 26 * HOUR)
    assert claimed
    assert [each.subscriber_id for each in claimed.waiting] == [mine.subscriber_id]


def test_what_was_put_off_for_a_day_asks_that_days_cap(settings: Any) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    updates = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    make_subscription(newsletter=updates)
    campaigns.launch(make_issue_with_text(updates), now=NOW)
    Send.objects.update(status=Send.Status.SENT, settled_at=NOW)
    second = campaigns.launch(make_issue_with_text(updates), now=NOW + HOUR)
    third = campaigns.launch(make_issue_with_text(updates), now=NOW + HOUR)
    assert second
    assert third

    sent = []
    for day in (1, 2, 3):
        sweep(NOW + 2 * HOUR + day * DAY)
        sent.append([Send.objects.get(campaign=each).status for each in (second, third)])

    assert sent == [["sent", "deferred"], ["sent", "sent"], ["sent", "sent"]]


def test_who_is_fed_up_for_three_days_more_does_not_get_it(settings: Any) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    updates = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    make_subscription(newsletter=updates)
    campaigns.launch(make_issue_with_text(updates), now=NOW)
    Send.objects.update(status=Send.Status.SENT, settled_at=NOW)
    campaign = campaigns.launch(make_issue_with_text(updates), now=NOW + HOUR)
    assert campaign

    for day in (1, 2, 3):
        Send.objects.filter(status=Send.Status.SENT).update(settled_at=NOW + day * DAY)
        Campaign.objects.filter(status=Campaign.Status.FINISHED).update(finished_at=NOW + day * DAY)
        sweep(NOW + 2 * HOUR + day * DAY)

    send = campaign.sends.get()
    assert (send.status, send.reason) == (Send.Status.SKIPPED, Send.Reason.CAPPED)
    assert Campaign.objects.get(pk=campaign.pk).status == Campaign.Status.FINISHED


def test_what_waited_for_a_day_is_tried_again_when_the_server_puts_it_off(settings: Any) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    updates = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    make_subscription(newsletter=updates)
    campaigns.launch(make_issue_with_text(updates), now=NOW)
    Send.objects.update(status=Send.Status.SENT, settled_at=NOW)
    campaign = campaigns.launch(make_issue_with_text(updates), now=NOW + HOUR)
    assert campaign
    next_day = NOW + 26 * HOUR
    list(sweeping.sweep(now=next_day))
    claimed = claiming.claim(campaign, now=next_day)
    assert claimed
    ledger = Ledger(campaign, clock=lambda: next_day)
    ledger.open(claimed)

    ledger.note(Outcome(campaign.sends.get().pk, Fate.DEFERRED, "451 4.7.1 Try again later"))
    ledger.close()

    send = campaign.sends.get()
    assert (send.status, send.attempt_count) == (Send.Status.DEFERRED, 1)
    assert campaign in sweeping.sweep(now=next_day + 2 * HOUR)


@pytest.mark.django_db(transaction=True)
def test_cap_holds_where_issues_are_launched_side_by_side(settings: Any) -> None:
    settings.MAILS_PER_READER_AND_DAY = 2
    people = [make_subscriber() for _ in range(5)]
    issues = []
    for _number in range(4):
        updates = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
        for person in people:
            make_subscription(newsletter=updates, subscriber=person)
        issues.append(make_issue_with_text(updates))
    start = Barrier(len(issues))

    def launch(issue: Issue) -> None:
        start.wait(10)
        try:
            campaigns.launch(issue, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(issues)) as pool:
        list(pool.map(launch, issues))

    on_their_way = Send.objects.filter(status=Send.Status.QUEUED).values_list("subscriber_id", flat=True)
    assert Counter(on_their_way) == dict.fromkeys([person.pk for person in people], 2)
    assert Send.objects.filter(status=Send.Status.DEFERRED, reason=Send.Reason.CAPPED).count() == 10


@pytest.mark.parametrize("mail", ["welcome", "question"])
def test_welcomes_and_questions_count(mail: str, settings: Any) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    updates = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    full, free = make_subscription(newsletter=updates), make_subscription(newsletter=updates)
    if mail == "welcome":
        WelcomeMail.objects.create(
            subscription=full, status="sent", created_at=NOW, sent_at=NOW - HOUR / 60, next_attempt_at=NOW
        )
    else:
        PersonalMail.objects.create(
            kind="still_interested", subscriber=full.subscriber, created_at=NOW, next_attempt_at=NOW
        )

    campaign = campaigns.launch(make_issue_with_text(updates), now=NOW)

    assert campaign is not None
    states = dict(campaign.sends.values_list("subscriber_id", "reason"))
    assert states == {full.subscriber_id: "capped", free.subscriber_id: ""}


def make_issue_with_text(newsletter: Newsletter) -> Issue:
    issue = drafting.new_issue(newsletter, send_at=NOW)
    Issue.objects.filter(pk=issue.pk).update(subject="Open day", body="Come and see us.")
    issue.refresh_from_db()
    issue.approve(now=NOW)
    return issue


def test_yesterdays_mail_counts_for_yesterday(settings: Any) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    newsletter = make_newsletter()
    make_subscription(newsletter=newsletter)
    make_article()
    make_schedule(newsletter=newsletter)
    drafting.run_due(now=NOW)
    sweep(NOW + HOUR)
    make_article(released_at=NOW + 2 * HOUR)
    drafting.run_due(now=NOW + DAY)

    sweep(NOW + DAY)

    assert Send.objects.filter(status=Send.Status.SENT).count() == 2
