"""A campaign through a provider with bad days: everybody once, the books right, the campaign finished."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from config import environment
from newsletter.delivery import campaigns, dispatch, sweeping
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter, Subscription, Suppression
from tests.delivery.conftest import Clock, books, sweep_and_end
from tests.factories import NOW, make_subscription
from tests.servers.mailgun import Bad, MailgunServer

pytestmark = pytest.mark.django_db(transaction=True)

READERS, BATCH = 120, 25


@pytest.fixture
def campaign(newsletter: Newsletter, approved_issue: Callable[..., Issue]) -> Campaign:
    for number in range(READERS):
        make_subscription(newsletter=newsletter, email=f"r{number}@example.org")
    launched = campaigns.launch(approved_issue(), now=NOW)
    assert launched is not None
    return launched


@pytest.fixture
def mailgun(settings: Settings) -> Iterator[MailgunServer]:
    with MailgunServer() as server:
        url = f"mailgun://key@mg.example.org?api_url={server.url}&batch={BATCH}&connections=2&timeout=1"
        settings.MAILERS = {"default": environment.mailer("A", url), "campaigns": environment.mailer("A", url)}
        yield server


def send_to_the_end(campaign: Campaign, clock: Clock) -> None:
    """As worker and sweep do in the hours after the launch; a person lets it go on where it waits for one."""
    while campaign.status != Campaign.Status.FINISHED and clock() < NOW + timedelta(hours=12):
        if campaign.status == Campaign.Status.PAUSED:
            campaign.resume(NOW)
        dispatch.drain(campaign, clock=clock, seconds=20)
        list(sweeping.sweep(now=clock()))
        clock.wind(minutes=30)
        campaign.refresh_from_db()


CASES = {
    "accepts a batch and drops the connection": (Bad(hangs_up=True, takes=True), True),
    "answers too late": (Bad(takes=True, delay=1.5), True),
    "answers 500 after accepting": (Bad(status=500, takes=True), True),
    "500 without accepting": (Bad(status=500), False),
    "drops the connection without accepting": (Bad(hangs_up=True), False),
    "429 for a second": (Bad(status=429, headers={"Retry-After": "1"}), False),
    "429 for ten minutes": (Bad(status=429, headers={"Retry-After": "600"}), False),
    "503": (Bad(status=503), False),
    "401 once": (Bad(status=401), False),
}


@pytest.mark.parametrize("case", CASES)
def test_everybody_gets_it_once_whatever_the_provider_does(
    case: str, campaign: Campaign, clock: Clock, mailgun: MailgunServer
) -> None:
    bad, may_repeat = CASES[case]
    mailgun.then(Bad(takes=True), bad)

    send_to_the_end(campaign, clock)

    received = Counter(mail.to for mail in mailgun.mails())
    assert received.keys() == {f"r{number}@example.org" for number in range(READERS)}
    repeated = [to for to, count in received.items() if count > 1]
    assert len(repeated) == (BATCH if may_repeat else 0)
    assert max(received.values()) <= 2
    numbers = {(mail.to, mail.headers["message-id"]) for mail in mailgun.mails()}
    assert len(numbers) == READERS  # a repeat carries the same Message-ID
    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("finished", {"sent": READERS})


def test_provider_that_takes_every_batch_and_answers_500_gets_no_mail_a_third_time(
    campaign: Campaign, clock: Clock, mailgun: MailgunServer
) -> None:
    mailgun.then(*[Bad(status=500, takes=True)] * 999)

    send_to_the_end(campaign, clock)

    received = Counter(mail.to for mail in mailgun.mails())
    assert max(received.values()) == 2
    failed = campaign.sends.filter(status=Send.Status.FAILED)
    assert set(failed.values_list("reason", flat=True)) == {Send.Reason.UNKNOWN}
    assert set(failed.values_list("attempt_count", flat=True)) == {2}


def test_one_bad_address_fails_alone_and_is_not_suppressed(
    campaign: Campaign, clock: Clock, mailgun: MailgunServer
) -> None:
    mailgun.refuse("r60@example.org")

    send_to_the_end(campaign, clock)

    assert len(mailgun.mails()) == READERS - 1
    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("finished", {"sent": READERS - 1, "failed": 1})
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_stopping_a_campaign_holds_for_the_calls_that_the_provider_put_off(
    how: str, campaign: Campaign, mailgun: MailgunServer
) -> None:
    began = time.monotonic()
    stopped: list[str] = []

    def clock() -> datetime:
        """A clock that goes; a person acts as soon as the provider has asked for patience."""
        if mailgun.calls and not stopped:
            stopped.append(how)
            campaign.pause(reason="wait") if how == "pause" else campaigns.cancel(campaign, now=NOW)
        return NOW + timedelta(seconds=time.monotonic() - began)

    mailgun.then(*[Bad(status=429, headers={"Retry-After": "2"})] * 2)

    dispatch.drain(campaign, clock=clock, seconds=20)
    sweep_and_end()

    assert stopped == [how]
    assert mailgun.mails() == []
    assert books(campaign) == {"pause": {"queued": READERS}, "cancel": {"skipped": READERS}}[how]


def test_who_leaves_while_the_provider_asks_for_patience_gets_nothing(
    campaign: Campaign, clock: Clock, mailgun: MailgunServer
) -> None:
    mailgun.then(*[Bad(status=429, headers={"Retry-After": "300"})] * 2)
    dispatch.drain(campaign, clock=clock, seconds=20)
    Subscription.objects.filter(subscriber__email="r7@example.org").update(status=Subscription.Status.PAUSED)

    send_to_the_end(campaign, clock)

    assert "r7@example.org" not in {mail.to for mail in mailgun.mails()}
    assert books(campaign) == {"sent": READERS - 1, "skipped": 1}
