"""Campaigns that take days: what waits, who is tried how long, and what is told of one that nobody sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from newsletter.delivery import campaigns, capping, dispatch, packing, sweeping, tallies
from newsletter.delivery.desk.progress import progress_of
from newsletter.delivery.models import Batch, Campaign, Send
from newsletter.delivery.outcomes import Fate
from newsletter.digests.models import Issue
from newsletter.insights import health
from newsletter.insights.today.needs import needs
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock, books
from tests.factories import NOW, make_editor
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db

LATER = "450 4.2.0 try later"
READER = "reader2@example.org"
MakeIssue = Callable[..., Issue]


def drain(campaign: Campaign, clock: Clock) -> None:
    dispatch.drain(campaign, clock=clock, seconds=30)


def test_who_had_their_turn_late_is_tried_as_long_as_everybody_else(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, settings: Settings
) -> None:
    settings.SEND_DEADLINE_HOURS = 1
    smtp_mailers.refuse(Stage.RCPT, LATER, recipient=READER)
    clock.wind(hours=30)  # the warm-up, its hours, or a person kept it

    drain(campaign, clock)
    first = books(campaign)
    for _try in range(9):
        clock.wind(hours=2)
        drain(campaign, clock)

    send = campaign.sends.get(subscriber__email=READER)
    assert first == {"sent": 4, "deferred": 1}
    assert (send.status, send.reason) == (Send.Status.FAILED, Send.Reason.EXPIRED)
    assert send.attempt_count == 7  # 1 + 2 + 4 + 8 + 16 + 32 minutes between them


def test_no_ledger_is_read_whole_while_its_readers_only_wait(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp_mailers.refuse(Stage.RCPT, LATER, recipient=READER)
    drain(campaign, clock)

    monkeypatch.setattr(sweeping, "SELDOM", 0.0)
    with CaptureQueriesContext(
        connection,
    ) as usually:
        assert list(sweeping.sweep(now=clock())) == []
    monkeypatch.setattr(sweeping, "SELDOM", 1.0)
    with CaptureQueriesContext(connection) as once_in_a_while:
        assert list(sweeping.sweep(now=clock())) == []

    assert not [query for query in usually if is_of_whole_ledger(query["sql"])]
    assert [query for query in once_in_a_while if is_of_whole_ledger(query["sql"])]


def is_of_whole_ledger(sql: str) -> bool:
    return "delivery_send" in sql and "queued" in sql and "packed_to" not in sql


def test_strays_of_a_campaign_that_waits_are_found(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp_mailers.refuse(Stage.RCPT, LATER, recipient=READER)
    packing.pack(campaign, now=clock())
    drain(campaign, clock)
    campaign.sends.filter(subscriber__email="reader3@example.org").update(status=Send.Status.QUEUED, settled_at=None)

    monkeypatch.setattr(sweeping, "SELDOM", 1.0)
    found = list(sweeping.sweep(now=clock()))

    assert found == [campaign]


def test_who_was_let_go_by_the_cap_is_not_held_back_by_it_again(
    newsletter: Newsletter, campaign: Campaign, clock: Clock
) -> None:
    campaign.sends.update(status=Send.Status.DEFERRED, reason=Send.Reason.CAPPED, next_attempt_at=NOW)

    campaigns.release_capped(now=clock())

    assert set(campaign.sends.values_list("status", "reason")) == {("queued", "")}


def test_cap_of_a_day_knows_the_mails_of_a_campaign_that_began_days_ago(
    campaign: Campaign, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer, settings: Settings
) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    clock.wind(days=5)
    drain(campaign, clock)
    campaign.finish(clock())
    another = approved_issue(send_at=clock())
    fed_up = capping.fed_up(another, now=clock())

    assert fed_up is not None
    assert campaign.sends.filter(subscriber__in=fed_up).count() == 5
    clock.wind(days=1)
    fed_up = capping.fed_up(another, now=clock())
    assert fed_up is not None
    assert not campaign.sends.filter(subscriber__in=fed_up).exists()


def test_campaign_that_was_stopped_days_ago_takes_nobodys_mail_of_the_day(
    campaign: Campaign, approved_issue: MakeIssue, clock: Clock, settings: Settings
) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    campaign.hold(reason="Held by Ada.")
    clock.wind(days=5)

    fed_up = capping.fed_up(approved_issue(send_at=clock()), now=clock())

    assert fed_up is not None
    assert not campaign.sends.filter(subscriber__in=fed_up).exists()


def test_campaign_that_nobody_takes_up_is_told(campaign: Campaign, clock: Clock) -> None:
    packing.pack(campaign, now=clock())
    editor = make_editor(is_superuser=True)
    seen = []
    for minutes in (4, 3):
        clock.wind(minutes=minutes)
        waiting = health.check_waiting(now=clock())
        seen.append((waiting.is_ok, [need.text for need in needs(editor, now=clock()) if "taken up" in need.text]))

    assert seen == [(True, []), (False, [f"Nobody has taken up {campaign.issue} for 7 minutes."])]


def test_campaign_of_which_something_comes_or_that_waits_is_not_idle(campaign: Campaign, clock: Clock) -> None:
    packing.pack(campaign, now=clock())
    clock.wind(minutes=9)
    assert Campaign.objects.idle(clock()).exists()

    tallies.add(campaign.pk, [("", Fate.DEFERRED)], now=clock())
    assert not Campaign.objects.idle(clock()).exists()
    clock.wind(minutes=9)
    campaign.hold(reason="Held by Ada.")
    assert not Campaign.objects.idle(clock()).exists()
    campaign.resume(clock())
    assert not Campaign.objects.idle(clock()).exists()
    clock.wind(minutes=9)
    assert Campaign.objects.idle(clock()).exists()
    Batch.objects.all().delete()
    assert not Campaign.objects.idle(clock()).exists()


def test_person_who_presses_pause_while_it_goes_on_by_itself_has_the_last_word(campaign: Campaign) -> None:
    campaign.pause(reason="The mail server cannot be reached", resume_at=NOW)
    [found] = Campaign.objects.filter(status=Campaign.Status.PAUSED, resume_at__lte=NOW)
    assert campaign.hold(reason="Held by Ada.")

    assert not found.resume_by_itself(NOW)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.reason) == ("paused", "Held by Ada.")


def test_page_of_an_alert_goes_on_looking_while_it_tries_again(campaign: Campaign) -> None:
    campaign.pause(reason="The mail server cannot be reached", resume_at=NOW + timedelta(seconds=30))
    tries_again = progress_of(campaign.issue, now=NOW)
    campaign.hold(reason="Held by Ada.")
    waits = progress_of(campaign.issue, now=NOW)

    assert (tries_again.state, tries_again.is_moving) == ("paused", True)
    assert (waits.state, waits.is_moving) == ("paused", False)
