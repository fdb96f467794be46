"""Claims: one worker at a time, for as long as it shows that it lives, and never without asking for consent again."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.db import connection
from pytest_django import Settings

from config import environment
from newsletter.delivery import campaigns, claiming, dispatch, packing, recovering
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.settling import Ledger
from newsletter.subscribers.models import Subscription
from tests.delivery.conftest import Clock, books, sweep_and_end
from tests.factories import NOW, make_subscription
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db(transaction=True)


class SlowClock(Clock):
    """Whoever looks at it loses a tenth of a second."""

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=0.1)
        return self.now


def test_sends_of_a_worker_that_died_are_taken_over_when_its_lease_is_out(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    dead = claiming.claim(campaign, now=clock())
    assert dead is not None

    dispatch.drain(campaign, clock=clock, seconds=10)
    before = (len(smtp_mailers.messages), books(campaign))
    clock.wind(minutes=4)
    recovering.recover_abandoned(now=clock())
    dispatch.drain(campaign, clock=clock, seconds=10)

    assert before == (0, {"in_flight": 5})
    assert books(campaign) == {"sent": 5}


def test_worker_that_slept_past_its_lease_settles_nothing(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    zombie = claiming.claim(campaign, now=clock())
    assert zombie is not None
    clock.wind(minutes=4)
    recovering.recover_abandoned(now=clock())

    ledger = Ledger(campaign, clock=clock)
    ledger.open(zombie)
    ledger.note(Outcome(zombie.waiting[0].send_pk, Fate.REFUSED, "550 late"))
    ledger.close()

    assert books(campaign) == {"queued": 5}
    assert not claiming.renew(campaign, zombie, now=clock())


def test_two_workers_never_hold_the_same_send(campaign: Campaign, clock: Clock) -> None:
    first, second = claiming.claim(campaign, now=clock()), claiming.claim(campaign, now=clock())

    assert first is not None
    assert len(first.waiting) == 5
    assert second is None


def test_time_that_is_up_ends_the_turn_and_the_rest_goes_back(campaign: Campaign, smtp_mailers: SmtpServer) -> None:
    dispatch.drain(campaign, clock=SlowClock(), seconds=0.85)

    assert 0 < len(smtp_mailers.messages) < 5
    assert sum(books(campaign).values()) == 5
    assert "in_flight" not in books(campaign)


def test_consent_is_asked_again_when_the_batch_is_a_second_old(campaign: Campaign, smtp_mailers: SmtpServer) -> None:
    claim = claiming.claim(campaign, now=NOW)
    assert claim is not None
    leaver = claim.waiting[-1]

    Subscription.objects.get(pk=leaver.subscription_id).end(NOW, reason="page")
    assert claiming.renew(campaign, claim, now=NOW)

    assert [reader.send_pk for reader in claim.waiting] == [pk for pk in pks(campaign) if pk != leaver.send_pk]
    assert campaign.sends.get(pk=leaver.send_pk).reason == Send.Reason.LEFT


@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_worker_learns_within_a_second_that_the_campaign_was_stopped(
    campaign: Campaign, how: str, smtp_mailers: SmtpServer
) -> None:
    clock, hold = Clock(), smtp_mailers.hold(Stage.BODY)

    def stop() -> None:
        hold.wait(10)
        stopped = Campaign.objects.get(pk=campaign.pk)
        stopped.pause(reason="wait") if how == "pause" else campaigns.cancel(stopped, now=NOW)
        clock.wind(seconds=1)
        hold.release()
        connection.close()

    newcomers(campaign, 300)
    stopper = Thread(target=stop)
    stopper.start()
    dispatch.drain(campaign, clock=clock, seconds=60)
    stopper.join()

    left = {"pause": "queued", "cancel": "skipped"}[how]
    sweep_and_end()
    assert books(campaign).keys() == {"sent", left}
    assert len(smtp_mailers.messages) == books(campaign)["sent"] < 100


def test_what_is_due_again_does_not_wait_for_all_that_is_new(campaign: Campaign, clock: Clock) -> None:
    newcomers(campaign, 300)
    put_off = put_off_in_a_batch_that_was_given_back(campaign, clock)
    clock.wind(hours=1)

    packing.pack_due(campaign, now=clock())
    first, second = claiming.claim(campaign, now=clock()), claiming.claim(campaign, now=clock())

    assert first is not None
    assert second is not None
    assert [reader.send_pk for reader in first.waiting] == [put_off]
    assert put_off not in [reader.send_pk for reader in second.waiting]
    assert sorted(campaign.batches.all().send_pks()) == pks(campaign)


def test_what_is_due_again_while_its_batch_is_still_held_is_not_sent_twice_after_a_crash(
    campaign: Campaign, clock: Clock
) -> None:
    held = claiming.claim(campaign, now=clock())
    assert held is not None
    ledger = Ledger(campaign, clock=clock)
    ledger.open(held)
    ledger.note(Outcome(held.waiting[0].send_pk, Fate.DEFERRED, "451 later"))
    ledger.flush()
    clock.wind(hours=1)
    packing.pack_due(campaign, now=clock())

    ledger.abandon()
    recovering.recover_abandoned(now=clock())

    assert sorted(campaign.batches.all().send_pks()) == pks(campaign)


def test_lease_holds_for_as_long_as_the_server_answers(campaign: Campaign, clock: Clock) -> None:
    newcomers(campaign, 3)
    claim = claiming.claim(campaign, now=clock())
    assert claim is not None
    ledger = Ledger(campaign, clock=clock)
    ledger.open(claim)

    for reader in claim.waiting:  # all were drawn at once; nobody asks about them any more
        clock.wind(seconds=100)
        ledger.note(Outcome(reader.send_pk, Fate.ACCEPTED))
        ledger.flush()
        recovering.recover_abandoned(now=clock())

    assert books(campaign) == {"sent": 8}


def test_batch_whose_last_answers_are_to_come_is_held_by_those_of_another(campaign: Campaign, clock: Clock) -> None:
    first = claiming.claim(campaign, now=clock())
    newcomers(campaign, 3)
    second = claiming.claim(campaign, now=clock())
    assert first is not None
    assert second is not None
    ledger = Ledger(campaign, clock=clock)
    ledger.open(first)
    ledger.open(second)

    for reader in second.waiting:
        clock.wind(seconds=100)
        ledger.note(Outcome(reader.send_pk, Fate.ACCEPTED))
        ledger.flush()
        recovering.recover_abandoned(now=clock())

    assert books(campaign) == {"sent": 3, "in_flight": 5}


def test_batch_of_which_nobody_is_left_does_not_keep_the_campaign_from_its_end(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    for subscription in Subscription.objects.all():
        subscription.end(NOW, reason="page")

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert not campaign.batches.exists()
    assert campaign.finish(clock())


def test_clock_that_is_set_back_ends_the_turn(campaign: Campaign, settings: Settings) -> None:
    clock = Clock()
    newcomers(campaign, 300)
    with SmtpServer(on_message=lambda _message: clock.wind(hours=-1)) as server:
        mailer = environment.mailer("MAILER_URL", server.url)
        settings.MAILERS = {"default": mailer, "campaigns": mailer}
        dispatch.drain(campaign, clock=clock, seconds=10)

    assert 0 < books(campaign)["sent"] < 100
    assert sum(books(campaign).values()) == 305
    assert "in_flight" not in books(campaign)


def put_off_in_a_batch_that_was_given_back(campaign: Campaign, clock: Clock) -> int:
    claim = claiming.claim(campaign, now=clock())
    assert claim is not None
    send_pk = claim.waiting[0].send_pk
    ledger = Ledger(campaign, clock=clock)
    ledger.open(claim)
    ledger.note(Outcome(send_pk, Fate.DEFERRED, "451 later"))
    ledger.close()
    return send_pk


def test_no_send_is_ever_in_two_batches(campaign: Campaign) -> None:
    """Whatever is due, new or astray, and in whatever order it is packed."""
    newcomers(campaign, 60)
    ids = pks(campaign)
    campaign.sends.filter(pk__in=ids[::3]).update(status=Send.Status.DEFERRED, next_attempt_at=NOW)
    campaign.sends.filter(pk__in=ids[::7]).update(reason=Send.Reason.UNKNOWN)

    packing.pack_due(campaign, now=NOW)
    packing.pack(campaign, now=NOW)
    packing.pack_strays(campaign)
    packing.pack(campaign, now=NOW)

    assert sorted(campaign.batches.all().send_pks()) == ids


def newcomers(campaign: Campaign, count: int) -> None:
    """So many more readers of the campaign's first edition."""
    edition = campaign.sends.values_list("edition_id", flat=True)[0]
    for number in range(count):
        reader = make_subscription(newsletter=campaign.issue.newsletter, email=f"new{number}@example.org").subscriber
        Send.objects.create(campaign=campaign, edition_id=edition, subscriber=reader)


def pks(campaign: Campaign) -> list[int]:
    return list(campaign.sends.order_by("edition_id", "pk").values_list("pk", flat=True))
