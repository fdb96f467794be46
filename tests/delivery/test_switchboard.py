"""Several transports: by weight, by order, and standing in for each other, over real SMTP and a provider's API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from config import environment
from newsletter.delivery import campaigns, dispatch, proofs
from newsletter.delivery.models import Campaign, MailboxMessage, Send, TransportOutage
from newsletter.delivery.outcomes import Fate
from newsletter.delivery.transports import outages, switchboard
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock, books
from tests.factories import NOW, make_subscription
from tests.servers.mailgun import Bad, MailgunServer
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

READERS = 40


@pytest.fixture
def campaign(newsletter: Newsletter, approved_issue: Callable[..., Issue]) -> Campaign:
    for number in range(READERS):
        make_subscription(newsletter=newsletter, email=f"r{number}@example.org")
    launched = campaigns.launch(approved_issue(), now=NOW)
    assert launched is not None
    return launched


@pytest.fixture
def mailgun() -> Iterator[MailgunServer]:
    with MailgunServer() as server:
        yield server


@pytest.fixture
def use(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets TRANSPORTS, as the environment would."""

    def use(value: str, *, newsletters: str = "") -> None:
        monkeypatch.setenv("TRANSPORTS", value)
        monkeypatch.setenv("NEWSLETTER_TRANSPORTS", newsletters)
        settings.MAILERS = environment.transports("TRANSPORTS")
        settings.TRANSPORTS = list(settings.MAILERS)
        own = environment.transports_of_newsletters("NEWSLETTER_TRANSPORTS", settings.TRANSPORTS)
        settings.NEWSLETTER_TRANSPORTS = own

    return use


def drain(campaign: Campaign, clock: Clock) -> None:
    """As the sweep does: what one turn gives back is the next one's."""
    for _ in range(3):
        if Campaign.objects.sending().filter(pk=campaign.pk).exists():
            dispatch.drain(campaign, clock=clock, seconds=30)


def by_transport() -> Counter[str]:
    responses = Send.objects.filter(status="sent").values_list("response", flat=True)
    return Counter(response.partition(":")[0] for response in responses)


def provider(server: MailgunServer, rest: str = "") -> str:
    return f"mailgun://key@mg.example.org?api_url={server.url}{rest}"


def test_transports_share_the_readers_by_weight(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer, mailgun: MailgunServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(switchboard, "TURN", 4)
    monkeypatch.setattr(switchboard, "LONGEST_TURN", 4)
    use(f"main={smtp_server.url}?weight=3 second={provider(mailgun)}")

    drain(campaign, clock)

    assert books(campaign) == {"sent": READERS}
    taken = [message.recipients[0] for message in smtp_server.messages], [mail.to for mail in mailgun.mails()]
    assert len(taken[0]) + len(taken[1]) == READERS
    assert set(taken[0]) | set(taken[1]) == {f"r{number}@example.org" for number in range(READERS)}
    assert by_transport() == {"main": len(taken[0]), "second": len(taken[1])}
    assert 24 <= len(taken[0]) <= 36


def test_a_spare_is_used_only_while_the_first_is_down(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer, mailgun: MailgunServer
) -> None:
    use(f"main={smtp_server.url} spare={provider(mailgun, '&order=2')}")
    smtp_server.stop()

    drain(campaign, clock)

    assert books(campaign) == {"sent": READERS}
    assert by_transport() == {"spare": READERS}
    outage = TransportOutage.objects.get()
    assert (outage.name, outage.until) == ("main", NOW + timedelta(seconds=30))
    campaign.refresh_from_db()
    assert campaign.status != "paused"


def test_test_mail_goes_by_the_spare_when_the_first_is_down(
    newsletter: Newsletter, approved_issue: Callable[..., Issue], use: Callable[..., None], smtp_server: SmtpServer,
    mailgun: MailgunServer,
) -> None:  # fmt: skip
    use(f"main={smtp_server.url} spare={provider(mailgun, '&order=2')}")
    smtp_server.stop()

    outcome = proofs.send_test(approved_issue(), address="ada@example.org", now=NOW)

    assert (outcome.fate, outcome.response.partition(":")[0]) == (Fate.ACCEPTED, "spare")


def test_outage_that_cannot_be_forgotten_at_once_costs_nobody_a_second_copy(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer, mailgun: MailgunServer
) -> None:
    use(f"main={smtp_server.url} spare={provider(mailgun, '&order=2')}")
    outages.note_down("main", reason="no connection", retry_after=None, now=NOW)
    clock.wind(seconds=31)

    with connection.execute_wrapper(fail_to_forget_outages):
        dispatch.drain(campaign, clock=clock, seconds=30)

    assert sorted(smtp_server.recipients()) == sorted(f"r{number}@example.org" for number in range(READERS))
    assert by_transport() == {"main": READERS}


def fail_to_forget_outages(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith("DELETE") and TransportOutage._meta.db_table in sql:
        raise OperationalError("server closed the connection unexpectedly")
    return execute(sql, params, many, context)


def test_the_first_is_used_again_after_its_pause(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer, mailgun: MailgunServer
) -> None:
    use(f"main={smtp_server.url} spare={provider(mailgun, '&order=2')}")
    outages.note_down("main", reason="no connection", retry_after=None, now=NOW)
    clock.wind(seconds=31)

    drain(campaign, clock)

    assert by_transport() == {"main": READERS}
    assert not TransportOutage.objects.exists()


def test_every_worker_leaves_out_what_one_found_down(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer, mailgun: MailgunServer
) -> None:
    use(f"main={smtp_server.url} spare={provider(mailgun, '&order=2')}")
    outages.note_down("main", reason="no connection", retry_after=300, now=NOW)

    drain(campaign, clock)

    assert by_transport() == {"spare": READERS}
    assert not smtp_server.messages


def test_a_transport_that_refuses_us_waits_for_a_person_and_the_others_carry_on(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer, mailgun: MailgunServer
) -> None:
    use(f"main={provider(mailgun)} spare={smtp_server.url}?order=2")
    mailgun.then(*[Bad(status=401, words="Forbidden")] * 9)

    drain(campaign, clock)

    assert by_transport() == {"spare": READERS}
    outage = TransportOutage.objects.get()
    assert (outage.name, outage.until) == ("main", None)
    assert "401" in outage.reason


def test_the_campaign_pauses_for_a_while_when_every_transport_is_down(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer, mailgun: MailgunServer
) -> None:
    use(f"main={smtp_server.url} spare={provider(mailgun)}")
    smtp_server.stop()
    mailgun.then(*[Bad(status=503, headers={"Retry-After": "90"})] * 9)

    drain(campaign, clock)

    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("paused", {"queued": READERS})
    assert campaign.resume_at == NOW + timedelta(seconds=30)


def test_who_resumes_a_campaign_that_everybody_refused_has_them_tried_again(
    campaign: Campaign, clock: Clock, use: Callable[..., None], mailgun: MailgunServer
) -> None:
    use(f"main={provider(mailgun)} second={provider(mailgun)}")
    mailgun.then(*[Bad(status=403, words="Forbidden")] * 2)
    drain(campaign, clock)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.resume_at) == ("paused", None)

    campaign.resume(NOW)
    drain(campaign, clock)

    assert books(campaign) == {"sent": READERS}
    assert TransportOutage.objects.count() == 1  # of the one that was not needed


def test_a_newsletter_may_have_ways_of_its_own(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer
) -> None:
    use(f"main={smtp_server.url} box=mailbox:", newsletters="latest-news=box")

    drain(campaign, clock)

    assert books(campaign) == {"sent": READERS}
    assert MailboxMessage.objects.count() == READERS


def test_an_outage_that_comes_back_lasts_longer(db: None) -> None:
    now, pauses = NOW, []
    for _ in range(8):
        until = outages.note_down("main", reason="no connection", retry_after=None, now=now)
        outages.note_down("main", reason="no connection", retry_after=None, now=now)  # another worker, the same failure
        pauses.append(until - now)
        now = until

    assert [pause.seconds for pause in pauses] == [30, 60, 120, 240, 480, 900, 900, 900]
    assert TransportOutage.objects.lasting(now - timedelta(seconds=1)).count() == 1
    assert not TransportOutage.objects.lasting(now).exists()
