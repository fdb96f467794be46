"""Readers who chose plain text get plain text, whatever it is sent through."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from pytest_django import Settings

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import MailboxMessage
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_article, make_subscriber, make_subscription
from tests.servers.http import HttpServer, Response
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)
MakeIssue = Callable[..., Issue]


@pytest.fixture
def readers(newsletter: Newsletter) -> dict[str, Subscription]:
    """One for each format, by format."""
    return {
        kind: make_subscription(
            newsletter=newsletter, subscriber=make_subscriber(email=f"{kind}@example.org", format=kind)
        )
        for kind in Subscriber.Format.values
    }


def send(issue: Issue, clock: Clock) -> None:
    campaign = campaigns.launch(issue, now=NOW)
    assert campaign
    dispatch.drain(campaign, clock=clock, seconds=10)


@pytest.mark.parametrize("title", ["The bridge opens", "Мост открыт после долгого ремонта"], ids=["latin", "cyrillic"])
def test_one_issue_goes_out_in_both_formats(
    title: str, readers: dict[str, Subscription], approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    send(approved_issue(articles=[make_article(title=title, summary=title * 20)]), clock)

    by_recipient = {message.recipients[0]: message for message in smtp_mailers.messages}
    plain, rich = by_recipient["text@example.org"], by_recipient["html@example.org"]
    assert plain.parsed.get_content_type() == "text/plain"
    assert rich.parsed.get_content_type() == "multipart/alternative"
    assert not plain.parsed.defects
    assert not plain.parsed.is_multipart()
    text = plain.parsed.get_content()
    assert title in text
    assert readers["text"].unsubscribe_token in text
    assert readers["text"].unsubscribe_token in plain.parsed["List-Unsubscribe"]
    assert plain.parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(plain.parsed.get_all("MIME-Version", [])) == len(plain.parsed.get_all("Content-Type", [])) == 1
    assert b"\n" not in plain.content.replace(b"\r\n", b"")


def test_provider_is_given_no_html_for_them(
    readers: dict[str, Subscription], approved_issue: MakeIssue, clock: Clock, http_server: HttpServer,
    settings: Settings,
) -> None:  # fmt: skip
    taken = json.dumps({"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a", "To": "text@example.org"})
    http_server.answer("/email", lambda _request: Response(taken.encode(), content_type="application/json"))
    options = {"server_token": "only-for-tests", "api_url": f"{http_server.url('/')}"}
    mailer = {"BACKEND": "anymail.backends.postmark.EmailBackend", "OPTIONS": options}
    settings.MAILERS = {"default": mailer, "campaigns": mailer}

    send(approved_issue(), clock)

    told = {each["To"]: each for each in (json.loads(request.body) for request in http_server.requests)}
    assert readers["text"].unsubscribe_token in told["text@example.org"]["TextBody"]
    assert "HtmlBody" not in told["text@example.org"]
    assert readers["html"].unsubscribe_token in told["html@example.org"]["HtmlBody"]


@pytest.mark.usefixtures("mailbox_mailers", "readers")
def test_mailbox_keeps_it_as_it_is(approved_issue: MakeIssue, clock: Clock) -> None:
    send(approved_issue(), clock)

    raw = bytes(MailboxMessage.objects.get(recipient="text@example.org").raw)
    assert b"text/plain" in raw
    assert b"multipart" not in raw
