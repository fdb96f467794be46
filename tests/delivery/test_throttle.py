"""Limits that all workers share: in Redis and in the database."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from newsletter.delivery import claiming, dispatch
from newsletter.delivery.models import Campaign, Send, SpeedLimit
from newsletter.delivery.throttle.buckets import DatabaseStore, shared_store
from newsletter.delivery.throttle.gate import Gate
from newsletter.delivery.throttle.states import status
from newsletter.subscribers.models import Suppression
from newsletter.subscribers.suppression import suppress
from tests.delivery.conftest import Clock
from tests.factories import NOW
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db


def test_who_waited_here_when_a_turn_ended_does_not_go_to_the_end_of_the_line(
    campaign: Campaign, smtp_mailers: SmtpServer
) -> None:
    """Three of five cannot go in the first turn; all go in as many seconds as the limit needs for them."""
    SpeedLimit.objects.create(name="example.org", per_second=2)
    shared_store().reserve(f"line:{campaign.pk}:example.org", rate=2, count=60, ahead=60, is_urgent=False)
    begun_at = time.monotonic()

    def clock() -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - begun_at)

    claimed = claiming.claim(campaign, now=clock())
    assert claimed is not None
    claiming.give_back(claimed, [reader.send_pk for reader in claimed.waiting])
    dispatch.drain(campaign, clock=clock, seconds=8)

    assert len(smtp_mailers.messages) == 5


def test_places_in_line_that_nobody_took_are_given_back(campaign: Campaign) -> None:
    SpeedLimit.objects.create(name="example.org", per_second=10)

    def places() -> list[float]:
        gate = Gate(campaign, clock=lambda: NOW)
        gate.refresh()
        found = [gate.place_in_line(f"{name}@example.org") for name in "ab"]
        gate.close()
        return found

    places()
    first, second = places()
    assert second - first == pytest.approx(0.1, abs=0.05)
    assert second < 1


def test_urgent_mail_is_not_behind_what_others_reserved() -> None:
    store = DatabaseStore()
    store.reserve("x", rate=10, count=50, ahead=1, is_urgent=False)

    waiting = store.reserve("x", rate=10, count=1, ahead=1, is_urgent=False)
    urgent = store.reserve("x", rate=10, count=5, ahead=1, is_urgent=True)
    later = store.reserve("x", rate=10, count=1, ahead=1, is_urgent=False)

    assert waiting.mails == 0
    assert urgent.mails == 5
    assert urgent.delay == pytest.approx(0, abs=0.5)
    assert later.delay == pytest.approx(waiting.delay + 0.5, abs=0.5)


def test_a_clock_that_is_set_back_an_hour_keeps_nobody_waiting_for_an_hour() -> None:
    """What is given out lies an hour ahead then, in either store."""
    store = shared_store()
    for is_urgent in (False, True):
        store.reserve("x", rate=10, count=1, ahead=1, is_urgent=is_urgent)
        store.give_back("x", seconds=-3600)
        store.give_back("urgent:x", seconds=-3600)

        assert store.reserve("x", rate=10, count=1, ahead=1, is_urgent=is_urgent).mails == 1


def test_what_was_not_used_is_given_back() -> None:
    store = DatabaseStore()
    store.reserve("x", rate=10, count=50, ahead=1, is_urgent=False)

    store.give_back("x", seconds=5)

    assert store.reserve("x", rate=10, count=1, ahead=1, is_urgent=False).mails == 1


def test_a_limited_domain_keeps_no_other_waiting(campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer) -> None:
    for number in (1, 2, 3):
        send = campaign.sends.select_related("subscriber").get(subscriber__email=f"reader{number}@example.org")
        assert send.subscriber is not None
        send.subscriber.email = f"reader{number}@gmail.com"
        send.subscriber.save()
    SpeedLimit.objects.create(name="gmail.com", per_second=1 / 60)

    dispatch.drain(campaign, clock=clock, seconds=30)

    waiting = campaign.sends.filter(status=Send.Status.DEFERRED)
    assert len(smtp_mailers.messages) == 3
    assert [(send.attempt_count, send.next_attempt_at is not None) for send in waiting] == [(0, True)] * 2


def test_a_domain_that_defers_is_slowed_down_and_recovers(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.RCPT, "451 4.7.1 too many mails")
    dispatch.drain(campaign, clock=clock, seconds=30)

    limit = SpeedLimit.objects.get(name="example.org")
    slow = limit.effective(NOW)
    assert slow is not None
    assert "4.7." in limit.reason
    assert (limit.effective(NOW + timedelta(minutes=2)) or 0) > slow
    assert limit.effective(NOW + timedelta(hours=1)) is None
    assert [held.name for held in status(campaign, now=NOW)] == ["example.org"]
    limit.reset()
    assert status(campaign, now=NOW) == []


def test_a_storm_of_refusals_stops_the_campaign_until_a_person_acts(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, settings: pytest.FixtureRequest
) -> None:
    settings.BOUNCE_ALARM_MAILS = 5  # type: ignore[attr-defined]
    smtp_mailers.refuse(Stage.RCPT, "550 5.7.1 not welcome")

    for _turn in range(2):  # a turn hears of its last outcomes when it is over
        dispatch.drain(campaign, clock=clock, seconds=30)
    campaign.refresh_from_db()
    stopped = campaign.status, campaign.resume_at
    campaign.resume(NOW)
    dispatch.drain(campaign, clock=clock, seconds=30)
    campaign.refresh_from_db()

    assert stopped == ("paused", None)
    assert campaign.status == "sending"


def test_a_storm_leaves_nobody_on_the_suppression_list_but_who_was_there_before(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, settings: Settings
) -> None:
    settings.BOUNCE_ALARM_MAILS = 5
    before = suppress(email="gone@example.org", reason=Suppression.Reason.HARD_BOUNCE, now=NOW - timedelta(days=9))
    smtp_mailers.refuse(Stage.RCPT, "550 5.1.1 no such user")

    for _turn in range(2):
        dispatch.drain(campaign, clock=clock, seconds=30)

    campaign.refresh_from_db()
    assert campaign.status == "paused"
    assert "5 addresses that were called bad are off the suppression list again." in campaign.reason
    assert list(Suppression.objects.all()) == [before]


def test_what_other_workers_still_learn_of_a_storm_suppresses_nobody(
    campaign: Campaign, smtp_mailers: SmtpServer
) -> None:
    """It was under way when the alarm came, or is not written down yet."""

    def clock() -> datetime:
        if any(command.startswith("RCPT") for command in smtp_mailers.commands):
            Campaign.objects.get(pk=campaign.pk).pause(reason="Stopped by itself: 400 of 900 mails were refused.")
        return NOW

    smtp_mailers.refuse(Stage.RCPT, "550 5.1.1 no such user")
    dispatch.drain(campaign, clock=clock, seconds=30)

    assert campaign.sends.filter(reason=Send.Reason.BAD_ADDRESS).exists()
    assert not Suppression.objects.exists()


def test_slow_down_that_is_long_over_does_not_tell_how_soon_the_next_one_is(campaign: Campaign) -> None:
    limit = SpeedLimit.objects.create(name="gmail.com")
    limit.slow_down(observed=3000, reason="", now=NOW - timedelta(days=30))
    limit.refresh_from_db()

    limit.slow_down(observed=50, reason="", now=NOW)
    limit.refresh_from_db()

    assert limit.effective(NOW) == 25
    assert limit.effective(NOW + timedelta(minutes=1)) == 27.5
    assert limit.whole_again_at(NOW) == NOW + timedelta(minutes=10)


def test_a_transports_rate_holds(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, settings: pytest.FixtureRequest
) -> None:
    mailers: dict[str, dict[str, object]] = settings.MAILERS  # type: ignore[attr-defined]
    name = settings.TRANSPORTS[0]  # type: ignore[attr-defined]
    settings.MAILERS = {**mailers, name: {**mailers[name], "SENDING": {"rate": 5.0}}}  # type: ignore[attr-defined]

    dispatch.drain(campaign, clock=clock, seconds=30)

    assert len(smtp_mailers.messages) == 5
    assert shared_store().reserve(f"transport:{name}", rate=5, count=1, ahead=9, is_urgent=False).mails == 1


@pytest.mark.parametrize("names", [("slow",), ("slow", "slower")])
def test_a_turn_ends_while_its_transport_waits_for_its_rate(
    names: tuple[str, ...], campaign: Campaign, smtp_mailers: SmtpServer, settings: Settings
) -> None:
    mailer = {**settings.MAILERS["campaigns"], "SENDING": {"rate": 1 / 20}}
    settings.MAILERS, settings.TRANSPORTS = dict.fromkeys(names, mailer), list(names)
    begun_at = time.monotonic()

    dispatch.drain(campaign, clock=lambda: NOW + timedelta(seconds=time.monotonic() - begun_at), seconds=1)

    assert len(smtp_mailers.messages) == 1
    assert campaign.sends.filter(status=Send.Status.QUEUED).count() == 4


def test_readers_of_a_limited_domain_go_in_one_turn_where_there_is_time(
    campaign: Campaign, smtp_mailers: SmtpServer
) -> None:
    SpeedLimit.objects.create(name="example.org", per_second=4)
    begun_at = time.monotonic()

    dispatch.drain(campaign, clock=lambda: NOW + timedelta(seconds=time.monotonic() - begun_at), seconds=20)

    assert len(smtp_mailers.messages) == 5
    assert not campaign.sends.exclude(status=Send.Status.SENT).exists()
