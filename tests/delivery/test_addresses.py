"""Whatever address stands in the database: it can be mailed, or it fails alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter, Subscriber
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_subscription
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

MakeIssue = Callable[..., Issue]


def launched(issue: Issue) -> Campaign:
    campaign = campaigns.launch(issue, now=NOW)
    assert campaign is not None
    return campaign


def test_domain_with_umlauts_is_mailed_in_its_ascii_form(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    newsletter.sender_address = newsletter.reply_address = "news@bücher.example"
    newsletter.save()
    make_subscription(newsletter=newsletter, email="ada@bücher.example")
    campaign = launched(approved_issue())

    dispatch.drain(campaign, clock=clock, seconds=10)

    (message,) = smtp_mailers.messages
    assert message.recipients == ("ada@xn--bcher-kva.example",)
    assert message.sender == "news@xn--bcher-kva.example"
    assert message.content.isascii()


@pytest.mark.parametrize(
    "address",
    ["ada@example.org>\r\nRSET\r\nMAIL FROM:<x@example.org", "ada\n@example.org", "ada", "a d a@example.org", "@", ""],
)
def test_address_that_is_none_fails_alone(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer, address: str
) -> None:
    bad = make_subscription(newsletter=newsletter)
    make_subscription(newsletter=newsletter, email="bob@example.org")
    Subscriber.objects.filter(pk=bad.subscriber_id).update(email=address)
    campaign = launched(approved_issue())

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert smtp_mailers.recipients() == ["bob@example.org"]
    send = campaign.sends.get(subscriber=bad.subscriber_id)
    assert (send.status, send.reason) == (Send.Status.FAILED, Send.Reason.REFUSED)
    assert campaign.finish(NOW)


@pytest.mark.parametrize(
    "name", ["Ada\r\nBcc: eve@example.org", 'A "d" \\ a', "Адa " * 30, "x" * 120, "\ue000email\ue001"]
)
def test_strange_name_injects_nothing_and_stops_nobody(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer, name: str
) -> None:
    reader = make_subscription(newsletter=newsletter)
    Subscriber.objects.filter(pk=reader.subscriber_id).update(name=name)
    campaign = launched(approved_issue())

    dispatch.drain(campaign, clock=clock, seconds=10)

    (message,) = smtp_mailers.messages
    assert message.parsed["Bcc"] is None
    assert message.parsed["Message-ID"]
    assert not message.parsed.defects


def test_newsletter_whose_own_address_is_none_pauses_and_blames_nobody(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    make_subscription(newsletter=newsletter)
    campaign = launched(approved_issue())
    Newsletter.objects.update(sender_address="")

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.resume_at) == (Campaign.Status.PAUSED, None)
    assert campaign.sends.get().status == Send.Status.QUEUED
