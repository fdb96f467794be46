"""The sweep: one thing that goes wrong stops nothing else, and what goes wrong is seen."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from newsletter.delivery import campaigns, dispatch, sweeping
from newsletter.delivery.models import Campaign
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

MakeIssue = Callable[..., Issue]


@pytest.fixture
def broken(newsletter: Newsletter, approved_issue: MakeIssue) -> Issue:
    """An issue that is the first to be launched, of a newsletter whose time zone there is not."""
    newsletter.time_zone = "Mars/Base"
    newsletter.save()
    make_subscription(newsletter=newsletter)
    return approved_issue()


def test_issue_that_cannot_be_launched_is_held_and_stops_no_other(broken: Issue, approved_issue: MakeIssue) -> None:
    other = make_newsletter()
    make_subscription(newsletter=other)
    sound = approved_issue(newsletter=other)

    with pytest.raises(ExceptionGroup):
        list(sweeping.sweep(now=NOW))
    again = list(sweeping.sweep(now=NOW))

    broken.refresh_from_db()
    assert (broken.status, "Mars" in broken.reason) == (Issue.Status.HELD, True)
    assert [campaign.issue for campaign in again] == [sound]


def test_sweep_yields_what_can_be_sent_before_it_reports_what_failed(broken: Issue, approved_issue: MakeIssue) -> None:
    other = make_newsletter()
    make_subscription(newsletter=other)
    sound = approved_issue(newsletter=other)

    assert next(iter(sweeping.sweep(now=NOW))).issue == sound


def test_what_is_launched_is_rung_for_before_the_next_is_launched(approved_issue: MakeIssue) -> None:
    newsletters = [make_newsletter() for _number in range(3)]
    for each in newsletters:
        make_subscription(newsletter=each)
        approved_issue(newsletter=each)

    launched = []
    for ring in sweeping.rings(now=NOW):
        if ring.work == sweeping.Work.SEND and ring.campaign.pk not in launched:
            launched.append(ring.campaign.pk)
            assert Campaign.objects.count() == len(launched)

    assert len(launched) == 3


def test_campaign_on_its_way_is_rung_for_before_anything_is_launched(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    make_subscription(newsletter=newsletter)
    on_its_way = campaigns.launch(approved_issue(), now=NOW)
    other = make_newsletter()
    make_subscription(newsletter=other)
    approved_issue(newsletter=other)

    assert next(iter(sweeping.sweep(now=NOW))) == on_its_way
    assert Campaign.objects.count() == 1


def test_campaign_that_cannot_be_sent_says_so_and_tries_again(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    make_subscription(newsletter=newsletter)
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    Newsletter.objects.update(time_zone="Mars/Base")

    with pytest.raises(Exception, match="Mars"):
        dispatch.drain(campaign, clock=clock, seconds=5)

    campaign.refresh_from_db()
    assert (campaign.status, "Mars" in campaign.reason) == (Campaign.Status.PAUSED, True)
    assert campaign.resume_at is not None


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time anyhow")
def test_reader_can_sign_up_while_an_issue_is_being_launched(newsletter: Newsletter) -> None:
    reader = make_subscriber()
    failed: list[BaseException] = []

    def sign_up() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            make_subscription(newsletter=newsletter, subscriber=reader)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        campaigns.one_launch_at_a_time()
        thread = threading.Thread(target=sign_up)
        thread.start()
        thread.join(10)

    assert failed == []
