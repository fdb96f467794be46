"""Whose fault a refusal is: an address is only ever blamed for what is said of the mailbox itself."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable

import pytest

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Campaign
from newsletter.delivery.outcomes import Fate
from newsletter.delivery.refusals import fate_of_recipient
from newsletter.delivery.transports.smtp.breaking import what_broke
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter, Suppression
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_subscription
from tests.servers.smtp import SmtpServer, Stage

MakeIssue = Callable[..., Issue]


@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
        "550 5.1.1 The email account that you tried to reach does not exist.",
        "550 No such user here",
        "550 Requested action not taken: mailbox unavailable",
        "553 sorry, no mailbox here by that name",
        "551 User not local",
    ],
)
def test_missing_mailbox_is_a_bad_address(text: str) -> None:
    assert fate_of_recipient(int(text[:3]), text) == Fate.BAD_ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        "550 5.7.1 <ada@example.org>: Recipient address rejected: Access denied",
        "550 relay not permitted",
        "550 Relaying denied",
        "553 sorry, that domain isn't in my list of allowed rcpthosts",
        "550 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "550 rejected because 192.0.2.1 is in a black list at zen.spamhaus.org",
        "550 Your IP 5.1.1.77 has a poor reputation",
        "550 Authentication required",
        "550 Administrative prohibition",
        "550 SPF check failed",
        "550 Sender verify failed",
        "554 5.7.1 Service unavailable",
        "552 5.2.2 mailbox full",
        "550 High probability of spam",
    ],
)
def test_refusal_for_policy_blames_no_address(text: str) -> None:
    assert fate_of_recipient(int(text[:3]), text) == Fate.REFUSED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reply", ["550 5.7.1 relaying denied", "550 5.1.1 no such user"])
def test_server_that_refuses_one_reader_after_the_other_pauses_the_campaign(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer, reply: str
) -> None:
    for _ in range(30):
        make_subscription(newsletter=newsletter)
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    smtp_mailers.refuse(Stage.RCPT, reply)

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.resume_at) == (Campaign.Status.PAUSED, None)
    assert reply in campaign.reason
    assert campaigns.counts(campaign)["queued"] >= 20
    assert Suppression.objects.count() < 10


@pytest.mark.django_db(transaction=True)
def test_server_that_takes_nothing_for_now_pauses_the_campaign_and_blames_nobody(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    for _ in range(5):
        make_subscription(newsletter=newsletter)
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    smtp_mailers.refuse(Stage.MAIL, "452 4.3.1 insufficient system storage")

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, campaigns.counts(campaign)["queued"]) == (Campaign.Status.PAUSED, 5)
    assert campaign.resume_at is not None
    assert set(campaign.sends.values_list("attempt_count", flat=True)) == {0}


@pytest.mark.django_db(transaction=True)
def test_server_that_takes_only_so_many_on_a_connection_gets_another_one(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    for _ in range(5):
        make_subscription(newsletter=newsletter)
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    smtp_mailers.refuse(Stage.MAIL, "451 4.7.1 too many messages on this connection", after=3, times=1)

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert campaigns.counts(campaign)["sent"] == 5


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (smtplib.SMTPConnectError(421, b"4.3.2 too busy"), "421 4.3.2 too busy"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_what_broke_is_told_without_numbers_of_the_system(error: Exception, told: str) -> None:
    assert what_broke(error) == told
