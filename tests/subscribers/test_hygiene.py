"""Throw-away addresses, and domains that take no mail."""

from __future__ import annotations

import time
from collections.abc import Iterator

import dns.rcode
import pytest
from disposable_email_domains import blocklist
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers.hygiene import Verdict, verdict_on
from newsletter.subscribers.models import MailDomain, SignUp
from tests.factories import make_newsletter
from tests.servers.dns import DnsServer
from tests.subscribers.forms import post_form

pytestmark = pytest.mark.django_db
THROWAWAY = "mailinator.com"


@pytest.fixture
def dns_server(settings: Settings) -> Iterator[DnsServer]:
    with DnsServer() as server:
        settings.DNS_SERVERS, settings.DNS_LOOKUP_SECONDS = [server.name], 1
        yield server


def test_packaged_list_knows_the_domain_that_these_tests_use() -> None:
    assert THROWAWAY in blocklist


@pytest.mark.parametrize(
    ("setting", "verdict"),
    [("accept", Verdict.WELCOME), ("refuse", Verdict.DISPOSABLE), ("ignore", Verdict.IGNORED)],
)
def test_throwaway_address_is_treated_as_the_setting_says(setting: str, verdict: Verdict, settings: Settings) -> None:
    settings.DISPOSABLE_ADDRESSES = setting

    assert verdict_on(f"ada@{THROWAWAY}") == verdict
    assert verdict_on(f"ada@mx.{THROWAWAY.upper()}") == verdict
    assert verdict_on("ada@example.org") == Verdict.WELCOME
    assert verdict_on(f"ada@the-harbor-{THROWAWAY}") == Verdict.WELCOME


def test_list_of_the_desk_goes_before_the_packaged_one(settings: Settings) -> None:
    settings.DISPOSABLE_ADDRESSES = "refuse"
    MailDomain.objects.create(domain=THROWAWAY, verdict=MailDomain.Verdict.WELCOME)
    MailDomain.objects.create(domain="Trash.Example", verdict=MailDomain.Verdict.REFUSED)
    MailDomain.objects.create(domain="good.trash.example", verdict=MailDomain.Verdict.WELCOME)

    assert verdict_on(f"ada@{THROWAWAY}") == Verdict.WELCOME
    assert verdict_on("ada@deep.trash.example") == Verdict.DISPOSABLE
    assert verdict_on("ada@good.trash.example") == Verdict.WELCOME


def test_list_of_the_desk_holds_when_the_packaged_one_is_off() -> None:
    MailDomain.objects.create(domain="xn--bcher-kva.example")

    assert verdict_on("ada@bücher.example") == Verdict.DISPOSABLE


def test_refused_domain_is_told_why(client: Client, settings: Settings) -> None:
    settings.DISPOSABLE_ADDRESSES = "refuse"

    response = post_form(client, make_newsletter(), email=f"ada@{THROWAWAY}")

    assert response.status_code == 400
    assert "throw-away" in response.content.decode()
    assert not SignUp.objects.exists()


def test_ignored_domain_is_answered_as_ever(client: Client, settings: Settings) -> None:
    settings.DISPOSABLE_ADDRESSES = "ignore"

    response = post_form(client, make_newsletter(), email=f"ada@{THROWAWAY}")

    assert (response.status_code, response["Location"]) == (303, "/subscribe/check-inbox/")
    assert not SignUp.objects.exists()


def test_dns_is_not_asked_unless_the_setting_says_so(dns_server: DnsServer, settings: Settings) -> None:
    settings.DNS_LOOKUP_SECONDS = 0

    assert verdict_on("ada@no-such-domain.example") == Verdict.WELCOME
    assert dns_server.questions == []


@pytest.mark.parametrize(
    ("mx", "verdict"),
    [
        (["10 mail.example.org."], Verdict.WELCOME),
        (["0 ."], Verdict.NO_MAIL),  # RFC 7505
        ([], Verdict.WELCOME),  # the host itself may take mail
        (None, Verdict.NO_MAIL),  # no such domain
    ],
)
def test_dns_says_whether_a_domain_takes_mail(mx: list[str] | None, verdict: Verdict, dns_server: DnsServer) -> None:
    if mx is not None:
        dns_server.answer("example.org", mx=mx)

    assert verdict_on("ada@example.org") == verdict


def test_dns_is_asked_for_the_domain_in_ascii_and_once(dns_server: DnsServer) -> None:
    dns_server.answer("xn--bcher-kva.example", mx=["10 mail.example.org."])

    verdicts = {verdict_on(f"{name}@bücher.example") for name in ("ada", "grace", "mary")}

    assert verdicts == {Verdict.WELCOME}
    assert dns_server.questions == ["xn--bcher-kva.example"]


def test_name_server_that_does_not_answer_blocks_nobody(dns_server: DnsServer, settings: Settings) -> None:
    dns_server.is_silent = True
    began = time.monotonic()

    assert verdict_on("ada@example.org") == Verdict.WELCOME
    assert time.monotonic() - began < settings.DNS_LOOKUP_SECONDS + 2


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_name_server_with_a_fault_blocks_nobody(rcode: dns.rcode.Rcode, dns_server: DnsServer) -> None:
    dns_server.rcode = rcode

    assert verdict_on("ada@example.org") == Verdict.WELCOME


def test_domain_that_takes_no_mail_is_told_so_with_a_guess(client: Client, dns_server: DnsServer) -> None:
    response = post_form(client, make_newsletter(), email="ada@gmial.com")

    page = response.content.decode()
    assert response.status_code == 400
    assert "No mail can reach this address" in page
    assert "Did you mean ada@gmail.com?" in page
