"""What the preflight says of the domain that a newsletter is sent from, by a real name server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dns.rcode
import pytest
from pytest_django import Settings

from newsletter.digests import preflight, senders
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Issue, SenderDomain
from newsletter.digests.preflight import Line, Verdict
from tests.factories import NOW, make_article, make_issue, make_newsletter
from tests.servers.dns import DnsServer

pytestmark = pytest.mark.django_db

DOMAIN = "news.harborpost.net"
SPF, DMARC, KEY = "v=spf1 include:mail.harborpost.net -all", "v=DMARC1; p=quarantine", "v=DKIM1; k=rsa; p=MIIBIjANBg"


@pytest.fixture
def server(settings: Settings) -> Iterator[DnsServer]:
    with DnsServer() as server:
        settings.DNS_SERVERS = [server.name]
        yield server


@pytest.fixture
def issue(db: None) -> Issue:
    return make_issue(newsletter=make_newsletter(sender_address=f"desk@{DOMAIN}"), articles=[make_article()])


def lines(issue: Issue) -> list[Line]:
    return [line for line in preflight.examine(sample(issue, now=NOW), now=NOW) if line.key in {"dns", "sender"}]


def test_sound_domain_is_good_and_says_that_no_key_was_looked_for(server: DnsServer, issue: Issue) -> None:
    server.answer(DOMAIN, txt=["something else", SPF])
    server.answer(f"_dmarc.{DOMAIN}", txt=[DMARC])

    assert [line.verdict for line in lines(issue)] == [Verdict.WAITING]
    assert senders.check_domains(now=NOW) == 1

    [line] = lines(issue)
    assert line.verdict == Verdict.GOOD
    assert "policy: quarantine" in line.text
    assert "DKIM_SELECTOR" in line.text


def test_what_is_missing_is_a_warning_each_and_never_an_error(
    server: DnsServer, issue: Issue, settings: Settings
) -> None:
    settings.DKIM_SELECTOR = "mail"
    server.answer(DOMAIN, txt=["something else"])

    senders.check_domains(now=NOW)

    assert [line.verdict for line in lines(issue)] == [Verdict.WARNING] * 3
    assert [word in line.text for word, line in zip(("SPF", "DMARC", "mail"), lines(issue), strict=True)] == [True] * 3
    assert preflight.errors(issue, now=NOW) == []


def test_key_is_looked_for_under_its_name(server: DnsServer, issue: Issue, settings: Settings) -> None:
    settings.DKIM_SELECTOR = "mail"
    server.answer(DOMAIN, txt=[SPF])
    server.answer("_dmarc.harborpost.net", txt=[DMARC])  # of the domain above
    server.answer(f"mail._domainkey.{DOMAIN}", txt=[KEY])

    senders.check_domains(now=NOW)

    [line] = lines(issue)
    assert (line.verdict, "“mail” is there" in line.text) == (Verdict.GOOD, True)


@pytest.mark.parametrize(("spf", "told"), [([SPF, "v=spf1 -all"], "more than one"), (["v=spf1 +all"], "everybody")])
def test_record_that_says_nothing_is_a_warning(server: DnsServer, issue: Issue, spf: list[str], told: str) -> None:
    server.answer(DOMAIN, txt=spf)
    server.answer(f"_dmarc.{DOMAIN}", txt=[DMARC])

    senders.check_domains(now=NOW)

    [line] = lines(issue)
    assert (line.verdict, told in line.text) == (Verdict.WARNING, True)


def test_answers_are_kept_and_hold_while_no_server_answers(server: DnsServer, issue: Issue) -> None:
    server.answer(DOMAIN, txt=[SPF])
    server.answer(f"_dmarc.{DOMAIN}", txt=[DMARC])
    senders.check_domains(now=NOW)
    asked = len(server.questions)

    assert senders.check_domains(now=NOW + timedelta(hours=5)) == 0
    assert len(server.questions) == asked
    server.rcode = dns.rcode.SERVFAIL
    assert senders.check_domains(now=NOW + timedelta(hours=7)) == 1

    assert [line.verdict for line in lines(issue)] == [Verdict.GOOD]


def test_server_that_cannot_be_asked_is_no_warning(server: DnsServer, issue: Issue) -> None:
    server.rcode = dns.rcode.SERVFAIL

    senders.check_domains(now=NOW)

    [line] = lines(issue)
    assert (line.verdict, "could not be asked" in line.text) == (Verdict.WAITING, True)


def test_made_up_domain_is_never_asked_and_what_no_newsletter_has_is_forgotten(server: DnsServer) -> None:
    make_newsletter(sender_address="desk@gazette.example")
    SenderDomain.objects.create(domain="gone.harborpost.net", next_attempt_at=NOW)

    assert senders.check_domains(now=NOW) == 0
    assert server.questions == []
    assert not SenderDomain.objects.exists()
