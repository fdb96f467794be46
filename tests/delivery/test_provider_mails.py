"""What a provider's reader gets is what SMTP's reader gets: subject, texts, headers, greeting, links."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default as modern_policy
from email.utils import parseaddr
from html import escape
from typing import Any

import pytest
from pytest_django import Settings

from config import environment
from newsletter.delivery import campaigns, recipients
from newsletter.delivery.letters import LetterBox
from newsletter.delivery.models import Campaign
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.settling import Ledger
from newsletter.delivery.transports.providers.transport import ProviderTransport
from newsletter.digests.models import Appearance, Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_article, make_subscriber, make_subscription
from tests.servers.http import HttpServer, Request, Response
from tests.servers.mailgun import MailgunServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid"),
]

ODD = 'Of %recipient.t_name%, {{t_name}} & [%broadsheet:t_name%] "quotes"'
NAMES = ["Ada Lovelace", "", 'O\'Brien & "Söhne" <b>', "محمد علي", "%recipient.t_email%", "{{{t_email}}} 松尾 芭蕉"]
PERSONAL = ("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post")
SHARED = ("List-ID", "List-Help", "Precedence", "Auto-Submitted", "Feedback-ID")


@dataclass(frozen=True)
class Got:
    """A mail as the provider would deliver it."""

    to: str
    name: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    send: str = ""


@pytest.fixture
def campaign(newsletter: Newsletter, approved_issue: Callable[..., Issue]) -> Campaign:
    """One edition that greets by name, for readers with names that need care, the last of whom chose plain text."""
    Appearance.objects.create(newsletter=newsletter, greeting="Dear {name}", nameless_greeting="Dear reader")
    for number, name in enumerate([*NAMES, "Plain Jane", "Plain Joe"]):
        kind = "text" if name.startswith("Plain") else "html"
        reader = make_subscriber(email=f"r{number}@example.org", name=name, format=kind)
        make_subscription(newsletter=newsletter, subscriber=reader)
    issue = approved_issue(articles=[make_article(title=ODD, summary="Grüße & {{ more }}"), make_article()])
    launched = campaigns.launch(issue, now=NOW)
    assert launched is not None
    return launched


def outgoing(campaign: Campaign, clock: Clock) -> list[Outgoing]:
    letters, ledger = LetterBox(campaign), Ledger(campaign, clock=clock)
    letters.refresh()
    answer = recipients.ask(campaign, list(campaign.sends.values_list("pk", flat=True)))
    return [message for reader in answer.mailable if (message := letters.message(reader, ledger=ledger))]


def filled(text: str, pattern: str, values: dict[str, str]) -> str:
    return re.sub(pattern, lambda match: values.get(match[1], match[0]), text)


def sendgrid(body: Any) -> list[Got]:
    def got(person: dict[str, Any]) -> Got:
        def fill(text: str) -> str:
            for mark, value in person["substitutions"].items():
                text = text.replace(mark, value)
            return text

        parts = {part["type"]: fill(part["value"]) for part in body["content"]}
        to = person["to"][0]
        headers = {**body["headers"], **person["headers"]}
        found = (parts["text/plain"], parts.get("text/html", ""), headers)
        return Got(to["email"], to.get("name", ""), fill(body["subject"]), *found, person["custom_args"]["send"])

    return [got(person) for person in body["personalizations"]]


def sparkpost(body: Any) -> list[Got]:
    def got(person: dict[str, Any]) -> Got:
        values = body.get("substitution_data", {}) | person["substitution_data"]

        def fill(text: str) -> str:
            assert not re.search(r"(?<!\{)\{\{(?!\{)", text)  # it would be taken for a mark
            return filled(text, r"\{\{\{(\w+)\}\}\}", values)

        content = body["content"]
        name, _address = parseaddr(person["address"]["header_to"])
        headers = {header: fill(value) for header, value in content["headers"].items()}
        texts = (fill(content["subject"]), fill(content["text"]), fill(content.get("html", "")))
        return Got(person["address"]["email"], name, *texts, headers, person["metadata"]["send"])

    return [got(person) for person in body["recipients"]]


def postmark(body: Any) -> list[Got]:
    def got(mail: dict[str, Any]) -> Got:
        headers = {header["Name"]: header["Value"] for header in mail["Headers"]}
        name, address = parseaddr(mail["To"])
        texts = (mail["Subject"], mail["TextBody"], mail.get("HtmlBody", ""))
        return Got(address, name, *texts, headers, mail["Metadata"]["send"])

    return [got(mail) for mail in (body if isinstance(body, list) else [body])]


def resend(body: Any) -> list[Got]:
    def got(mail: dict[str, Any]) -> Got:
        name, address = parseaddr(mail["to"][0])
        metadata = json.loads(mail["headers"]["X-Metadata"])
        texts = (mail["subject"], mail["text"], mail.get("html", ""))
        return Got(address, name, *texts, mail["headers"], metadata["send"])

    return [got(mail) for mail in (body if isinstance(body, list) else [body])]


def brevo(body: Any) -> list[Got]:
    def got(mail: dict[str, Any]) -> Got:
        to, headers = mail["to"][0], {**body["headers"], **mail["headers"]}
        send = json.loads(headers["X-Mailin-custom"])["send"]
        texts = (body["subject"], mail["textContent"], mail.get("htmlContent", ""))
        name = str(make_header(decode_header(to.get("name", ""))))  # anymail encodes what Brevo would lose
        return Got(to["email"], name, *texts, headers, send)

    return [got(mail) for mail in body.get("messageVersions", [body])]


def mailjet(body: Any) -> list[Got]:
    def got(mail: dict[str, Any]) -> Got:
        to, shared = mail["To"][0], body["Globals"]
        texts = (shared["Subject"], mail.get("TextPart", shared["TextPart"]), mail.get("HTMLPart", ""))
        headers = mail.get("Headers", shared.get("Headers"))
        send = json.loads(mail.get("EventPayload") or shared["EventPayload"])["send"]
        return Got(to["Email"], to.get("Name", ""), *texts, headers, send)

    return [got(mail) for mail in body["Messages"]]


def answers(got: list[Got]) -> dict[str, Any]:
    """What each provider says to the call, as it documents."""
    return {
        "sendgrid": {},
        "sparkpost": {"results": {"id": "1", "total_accepted_recipients": len(got), "total_rejected_recipients": 0}},
        "postmark": [{"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": mail.to} for mail in got],
        "resend": {"data": [{"id": "1"} for _mail in got]},
        "brevo": {"messageIds": [f"<{number}@brevo>" for number in range(len(got))]},
        "mailjet": {"Messages": [{"Status": "success", "To": [{"Email": mail.to, "MessageID": 1}]} for mail in got]},
    }


PROVIDERS: dict[str, tuple[str, str, Callable[[Any], list[Got]]]] = {
    "sendgrid": ("sendgrid://key", "/mail/send", sendgrid),
    "sparkpost": ("sparkpost://key", "/transmissions/", sparkpost),
    "postmark": ("postmark://key", "/email/batch", postmark),
    "resend": ("resend://key", "/emails/batch", resend),
    "brevo": ("brevo://key", "/smtp/email", brevo),
    "mailjet": ("mailjet://key:secret@api", "/send", mailjet),
}


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def same(got: Got, message: Outgoing, *, headers: tuple[str, ...] = (*PERSONAL, *SHARED)) -> None:
    """The provider's mail says what the bytes say."""
    assert message.reader
    source: EmailMessage = message_from_bytes(message.data, policy=modern_policy)
    text, html = source.get_body(("plain",)), source.get_body(("html",))
    assert text
    assert (got.to, got.name, got.subject) == (message.recipient, message.reader.name, source["Subject"])
    assert plain(got.text) == plain(text.get_content())
    assert plain(got.html) == (plain(html.get_content()) if html else "")
    given = {name.lower(): value for name, value in got.headers.items()}
    assert {name: given[name.lower()] for name in headers} == {name: source[name] for name in headers}
    assert got.send == str(message.send_pk)


@pytest.mark.parametrize("name", PROVIDERS)
def test_readers_get_the_same_mail_as_by_smtp(
    name: str, campaign: Campaign, clock: Clock, http_server: HttpServer, settings: Settings
) -> None:
    url, path, read = PROVIDERS[name]
    got: list[Got] = []

    def answer(request: Request) -> Response:
        found = read(json.loads(request.body))
        got.extend(found)
        return Response(json.dumps(answers(found)[name]).encode(), content_type="application/json")

    http_server.answer(path, answer)
    settings.MAILERS = {"campaigns": environment.mailer("MAILER_URL", f"{url}?api_url={http_server.url('/')}")}
    messages = outgoing(campaign, clock)

    with ProviderTransport("campaigns") as transport:
        outcomes = list(transport.deliver(messages))

    assert [outcome.fate for outcome in outcomes] == ["accepted"] * 8
    assert len(http_server.requests) == 2  # one for each format
    by_address = {mail.to: mail for mail in got}
    unwanted = {"Message-ID"} if name == "mailjet" else set()
    for message in messages:
        same(by_address[message.recipient], message, headers=tuple({*PERSONAL, *SHARED} - unwanted))


def test_mailgun_fills_in_the_same_mail(campaign: Campaign, clock: Clock, settings: Settings) -> None:
    messages = outgoing(campaign, clock)

    with MailgunServer() as server:
        url = f"mailgun://key@mg.example.org?api_url={server.url}"
        settings.MAILERS = {"campaigns": environment.mailer("MAILER_URL", url)}
        with ProviderTransport("campaigns") as transport:
            outcomes = list(transport.deliver(messages))
        mails = {mail.to: mail for mail in server.mails()}
        calls = server.calls

    assert [outcome.fate for outcome in outcomes] == ["accepted"] * 8
    assert len(calls) == 2
    for message in messages:
        mail = mails[message.recipient]
        assert message.reader
        texts = (mail.to, message.reader.name, mail.subject, mail.text, mail.html)
        same(Got(*texts, mail.headers, mail.variables["send"]), message)
        assert f"Dear {message.reader.name or 'reader'}" in mail.text
        assert f"Dear {escape(message.reader.name or 'reader')}" in mail.html or not mail.html
