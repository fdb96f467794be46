"""A campaign's ledger is made slice by slice, while the first mails leave; whatever happens in between, it is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import NoReturn

import pytest
from django.db import connection

from newsletter.delivery import audience, campaigns, dispatch, filling
from newsletter.delivery.models import Campaign, MailboxMessage, Send
from newsletter.digests.models import Edition, Issue
from newsletter.digests.rendering import RenderingError
from newsletter.subscribers.models import Newsletter, Subscription, TopicSet
from tests.delivery.conftest import Clock
from tests.delivery.test_launch import MakeIssue, articles_of, launched
from tests.factories import NOW, make_article, make_subscription, make_topic

pytestmark = pytest.mark.django_db


def raising(error: Exception) -> Callable[..., NoReturn]:
    def fail(**_values: object) -> NoReturn:
        raise error

    return fail


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "FIRST", 2)
    monkeypatch.setattr(filling, "SLICE", 3)
    monkeypatch.setattr(filling, "SMALLEST", 3)
    monkeypatch.setattr(filling, "LARGEST", 3)


def ten_readers(newsletter: Newsletter) -> list[int]:
    return [make_subscription(newsletter=newsletter).subscriber_id for _ in range(10)]


def in_ledger(campaign: Campaign) -> list[int | None]:
    return list(campaign.sends.order_by("pk").values_list("subscriber_id", flat=True))


@pytest.mark.usefixtures("small_slices")
def test_mails_leave_while_the_rest_is_still_being_created(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, mailbox_mailers: None
) -> None:
    people = ten_readers(newsletter)
    campaign = launched(approved_issue())
    first = in_ledger(campaign)

    dispatch.drain(campaign, clock=clock, seconds=5)
    is_over = Campaign.objects.get().finish(NOW)
    seen = []
    while campaigns.fill_slice(campaign, now=NOW):
        row = Campaign.objects.get()
        seen.append((row.filled_count, row.audience_count, row.finish(NOW)))
    dispatch.drain(campaign, clock=clock, seconds=5)

    assert first == people[:2]
    assert is_over is False
    assert seen == [(5, 10, False), (8, 10, False)]
    assert in_ledger(campaign) == people
    assert Edition.objects.count() == 1
    assert Campaign.objects.get().finish(NOW)
    assert MailboxMessage.objects.count() == 10


@pytest.mark.usefixtures("small_slices")
def test_who_joined_after_the_launch_is_not_in_it_and_who_left_is_not_either(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    people = ten_readers(newsletter)
    campaign = launched(approved_issue())
    make_subscription(newsletter=newsletter, confirmed_at=NOW + timedelta(seconds=1))
    Subscription.objects.get(subscriber=people[9]).end(NOW, reason="one_click")

    while campaigns.fill_slice(campaign, now=NOW):
        pass

    assert in_ledger(campaign) == people[:9]


@pytest.mark.usefixtures("small_slices")
def test_what_is_withdrawn_while_it_is_being_created_is_in_no_later_edition(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    ten_readers(newsletter)
    kept, withdrawn = make_article(), make_article()
    campaign = launched(approved_issue(articles=[kept, withdrawn]))
    withdrawn.withdraw(NOW)

    while campaigns.fill_slice(campaign, now=NOW):
        pass

    contents = [articles_of(send) for send in campaign.sends.order_by("pk")]
    assert contents == [{kept.pk, withdrawn.pk}] * 2 + [{kept.pk}] * 8


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("stop", ["pause", "cancel"])
def test_pause_and_cancel_stop_the_filling(newsletter: Newsletter, approved_issue: MakeIssue, stop: str) -> None:
    people = ten_readers(newsletter)
    campaign = launched(approved_issue())

    stopped = campaign.pause(reason="By hand.") if stop == "pause" else campaigns.cancel(campaign, now=NOW)
    goes_on = campaigns.fill_slice(campaign, now=NOW)

    assert (stopped, goes_on, in_ledger(campaign)) == (True, False, people[:2])
    if stop == "pause":
        campaign.resume(NOW)
        while campaigns.fill_slice(campaign, now=NOW):
            pass
        assert in_ledger(campaign) == people


@pytest.mark.usefixtures("small_slices")
def test_campaign_that_is_paused_during_a_slice_keeps_none_of_it(
    newsletter: Newsletter, approved_issue: MakeIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ten_readers(newsletter)
    campaign = launched(approved_issue())
    write = audience.write_ledger

    def interrupted(row: Campaign) -> int:
        campaign.pause(reason="By hand.")
        return write(row)

    monkeypatch.setattr(audience, "write_ledger", interrupted)

    assert campaigns.fill_slice(campaign, now=NOW) is False
    assert in_ledger(campaign) == people[:2]


@pytest.mark.usefixtures("small_slices")
def test_nobody_is_decided_when_everybody_was_looked_at(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    articles = [make_article()]
    people = ten_readers(newsletter)
    first = launched(approved_issue(articles=articles))
    while campaigns.fill_slice(first, now=NOW):
        pass
    Send.objects.filter(subscriber=people[9]).update(status=Send.Status.FAILED, reason=Send.Reason.REFUSED)

    for_the_last = launched(approved_issue(articles=articles))
    while campaigns.fill_slice(for_the_last, now=NOW):
        pass
    Send.objects.filter(status=Send.Status.QUEUED).update(status=Send.Status.SENT)
    issue = approved_issue(articles=articles)

    assert campaigns.launch(issue, now=NOW) is None
    assert [send.subscriber_id for send in for_the_last.sends.filter(edition__isnull=False)] == [people[9]]
    issue.refresh_from_db()
    assert (issue.status, issue.launched_at, issue.editions.count()) == (Issue.Status.SKIPPED, None, 0)


@pytest.mark.usefixtures("small_slices")
def test_slice_that_cannot_be_rendered_pauses_with_its_reason(
    newsletter: Newsletter, approved_issue: MakeIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ten_readers(newsletter)
    harbor = make_topic()
    Subscription.objects.filter(subscriber__in=people[5:]).update(topic_set=TopicSet.objects.of([harbor]))
    campaign = launched(approved_issue(articles=[make_article(topics=[harbor]), make_article(topics=[make_topic()])]))
    monkeypatch.setattr(campaigns, "render_edition", raising(RenderingError("a broken block")))

    while_it_works = campaigns.fill_slice(campaign, now=NOW)
    with pytest.raises(RenderingError):
        campaigns.fill_slice(campaign, now=NOW)

    row = Campaign.objects.get()
    assert while_it_works
    assert (row.status, "a broken block" in row.reason) == (Campaign.Status.PAUSED, True)
    assert in_ledger(campaign) == people[:5]


@pytest.mark.usefixtures("small_slices")
def test_sweep_rings_for_what_is_being_created_until_it_is(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock
) -> None:
    people = ten_readers(newsletter)
    campaign = launched(approved_issue())

    assert list(Campaign.objects.being_filled()) == [campaign]
    campaigns.fill(campaign, clock=clock, seconds=60)

    assert in_ledger(campaign) == people
    assert not Campaign.objects.being_filled().exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_slices")
def test_alert_gets_its_turn_between_two_slices(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    for _ in range(6):
        ten_readers(newsletter)
    campaign = launched(approved_issue())
    alert = approved_issue()
    is_filling = Event()

    def fill() -> None:
        try:
            while campaigns.fill_slice(campaign, now=NOW):
                is_filling.set()
                filling.give_way()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        filled = pool.submit(fill)
        is_filling.wait(20)
        before = Campaign.objects.get(pk=campaign.pk).filled_count
        breaking = launched(alert)
        at_launch = campaign.sends.filter(pk__lt=breaking.sends.order_by("pk")[:1].values("pk")).count()
        filled.result(60)

    assert at_launch - before <= 3 * filling.SLICE
    assert campaign.sends.count() == 60


@pytest.mark.parametrize(("seconds", "size"), [(1, 200_000), (2, 100_000), (3, 66_666), (60, 50_000), (0, 200_000)])
def test_slices_are_as_long_as_others_may_be_held_up(seconds: int, size: int) -> None:
    assert filling.next_size(100_000, took=timedelta(seconds=seconds)) == size


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_slices")
def test_many_fill_and_another_issue_is_launched_meanwhile(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    article = make_article()
    people = ten_readers(newsletter)
    campaign = launched(approved_issue(articles=[article, make_article()]))
    alert = approved_issue(articles=[article])
    start = Barrier(4)

    def work(number: int) -> None:
        start.wait(10)
        try:
            if number == 3:
                campaigns.launch(alert, now=NOW)
            while any(campaigns.fill_slice(each, now=NOW) for each in Campaign.objects.being_filled()):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    told = Counter(
        send.subscriber_id for send in Send.objects.filter(edition__articles=article, status=Send.Status.QUEUED)
    )
    assert in_ledger(campaign) == people
    assert told == dict.fromkeys(people, 1)
    assert not Campaign.objects.being_filled().exists()
