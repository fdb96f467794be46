"""A mail server with limits of its own: they are obeyed, and no campaign waits for them as if the server were down."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from config import environment
from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Campaign
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter, Suppression
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_subscription
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db
WORKERS, READERS, PATIENCE = 3, 400, 60.0
MakeIssue = Callable[..., Issue]


@pytest.fixture
def launched(newsletter: Newsletter, approved_issue: MakeIssue) -> Campaign:
    for _number in range(READERS):
        make_subscription(newsletter=newsletter)
    found = campaigns.launch(approved_issue(), now=NOW)
    assert found
    return found


@pytest.mark.django_db(transaction=True)
def test_workers_share_the_few_connections_that_a_server_allows(launched: Campaign, settings: Settings) -> None:
    """So many at once, so many mails on each: who finds no place leaves it to those who have one."""
    with SmtpServer(most_connections=2, messages_per_connection=9) as server:
        server.slow_down(Stage.MESSAGE, 0.02)
        mailer = environment.mailer("MAILER_URL", f"{server.url}?connections=4")
        settings.MAILERS = {"default": mailer, "campaigns": mailer}
        with ThreadPoolExecutor(WORKERS) as pool:
            seen = [status for found in pool.map(_work, [launched] * WORKERS) for status in found]
        got = Counter(server.recipients())
        turned_away_count = server.turned_away_count

    assert turned_away_count, "its limit was never met"
    assert seen, "everybody found a place"
    assert Campaign.Status.PAUSED not in seen
    assert (len(got), set(got.values())) == (READERS, {1})
    assert campaigns.counts(launched)["sent"] == READERS


def _work(campaign: Campaign) -> list[str]:
    """As a worker whom sweeps ring, a hundred times as often."""
    seen: list[str] = []
    began = time.monotonic()

    def clock() -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - began)

    try:
        while campaigns.counts(campaign)["sent"] < READERS and time.monotonic() < began + PATIENCE:
            dispatch.drain(campaign, clock=clock, seconds=10)
            campaign = Campaign.objects.get(pk=campaign.pk)
            if campaigns.counts(campaign)["sent"] < READERS / 2:  # at the end who has a place may have nothing to send
                seen.append(campaign.status)
            campaign.resume(NOW)
            time.sleep(0.05)
    finally:
        connection.close()
    return seen


@pytest.mark.parametrize("stage", [Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE])
@pytest.mark.parametrize("reply", ["421 4.3.2 closing", "451 4.3.0 later", "452 4.3.1 no room", "454 4.7.0 busy"])
def test_not_now_costs_nobody_their_mail_and_nobody_gets_two(
    campaign: Campaign, smtp_mailers: SmtpServer, clock: Clock, stage: Stage, reply: str
) -> None:
    smtp_mailers.refuse(stage, reply, times=2)

    for _turn in range(4):
        dispatch.drain(campaign, clock=clock, seconds=10)
        clock.wind(minutes=30)
        campaign.refresh_from_db()
        assert campaign.status == Campaign.Status.SENDING or campaign.resume_at is not None
        campaign.resume(NOW)

    assert Counter(smtp_mailers.recipients()) == Counter(f"reader{number}@example.org" for number in range(5))
    assert campaigns.counts(campaign)["sent"] == 5
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("reply", ["421 4.3.2 closing", "454 4.7.0 temporary failure", "535 5.7.8 wrong password"])
def test_log_in_that_fails_blames_nobody_and_is_tried_again(
    campaign: Campaign, settings: Settings, clock: Clock, reply: str
) -> None:
    with SmtpServer(credentials=("ada", "secret")) as server:
        mailer = environment.mailer("MAILER_URL", server.url.replace("//", "//ada:secret@"))
        settings.MAILERS = {"default": mailer, "campaigns": mailer}
        server.refuse(Stage.AUTH, reply)
        dispatch.drain(campaign, clock=clock, seconds=10)
        campaign.refresh_from_db()
        paused = campaign.status, reply in campaign.reason, campaign.resume_at is not None
        server.behave()
        campaign.resume(NOW)
        dispatch.drain(campaign, clock=clock, seconds=10)

    assert paused == (Campaign.Status.PAUSED, True, True)
    assert campaigns.counts(campaign)["sent"] == 5
    assert set(campaign.sends.values_list("attempt_count", flat=True)) == {1}
