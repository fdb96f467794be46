"""Mails as they go over the wire, read back by a parser."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.policy import default as default_policy
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from newsletter.lib import mail
from newsletter.lib.headers import one_line
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db  # the publication may have been given a name at the desk

CONTEXT = {"newsletters": [], "confirm_url": "http://localhost:8000/confirm/x/", "days": 7}

hostile = st.text(max_size=300) | st.sampled_from(
    [
        "Washington, D.C. Post",
        'The "Daily" \\ Paper',
        "Grüße aus Köln: " + "ä" * 200,
        "=?utf-8?b?SGFja2Vk?= sale",
        "Sale\r\nBcc: victim@example.org\r\n\r\nbody",
        "Nul\x00 and \u2028 and \u2029",
        "a" * 500,
        "\u202eesrever\u202c",
        "<script>@example.org>, other@example.org",
        "🎉" * 80,
        "\ud800 alone",
    ]
)


def sent_bytes(**fields: str) -> bytes:
    message = mail.compose(
        template="confirmation",
        to=fields.pop("to", "reader@example.org"),
        context=CONTEXT,
        sender=fields.pop("sender", ""),
    )
    for name, value in fields.items():
        setattr(message, name, value)
    return message.message(policy=SMTP).as_bytes()


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default_policy)
    assert isinstance(message, EmailMessage)
    return message


def test_mail_has_both_parts_and_the_headers_of_a_machines_mail(settings: Settings) -> None:
    settings.SITE_URL = "https://gazette.example"

    message = parsed(sent_bytes())

    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["MIME-Version"] == "1.0"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@gazette.example>")
    assert message["Date"].datetime is not None
    assert len(message["To"].addresses) == 1


def test_html_has_its_styles_inline_and_keeps_the_dark_ones() -> None:
    html = parsed(sent_bytes()).get_body(("html",))

    assert html is not None
    content = html.get_content()
    assert re.search(r"<body style=", content)
    assert "prefers-color-scheme: dark" in content
    assert "{%" not in content
    assert "{{" not in content


def test_text_part_is_not_escaped_as_html(settings: Settings) -> None:
    settings.SITE_NAME = "Tom & Ada's"

    text = parsed(sent_bytes()).get_body(("plain",))

    assert text is not None
    assert "Tom & Ada's" in text.get_content()


def test_comma_in_the_senders_name_is_quoted() -> None:
    raw = sent_bytes(sender=mail.sender_line("Washington, D.C. Post", "news@example.com"))

    assert b'From: "Washington, D.C. Post" <news@example.com>' in raw


@given(subject=hostile)
def test_any_subject_survives_and_injects_nothing(subject: str) -> None:
    wanted = mail.header_text(subject)[: mail.MAX_SUBJECT] or "x"

    raw = sent_bytes(subject=wanted)

    head = raw.partition(b"\r\n\r\n")[0]
    message = message_from_bytes(raw)
    assert head.isascii()
    assert b"?==?" not in head
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert message.keys() == parsed(sent_bytes()).keys()
    assert " ".join(str(make_header(decode_header(message["Subject"]))).split()) == one_line(wanted)


@given(name=hostile)
def test_any_senders_name_survives_and_injects_nothing(name: str) -> None:
    raw = sent_bytes(sender=mail.sender_line(name, "news@example.com"))

    head = raw.partition(b"\r\n\r\n")[0]
    senders = getaddresses([message_from_bytes(raw)["From"]])
    assert head.isascii()
    assert [address for _name, address in senders] == ["news@example.com"]
    assert str(make_header(decode_header(senders[0][0]))) == mail.header_text(name)
    assert b"\nBcc" not in head


def test_domain_of_the_recipient_is_in_ascii_on_the_wire() -> None:
    raw = sent_bytes(to="reader@müller.example.com")

    assert b"To: reader@xn--mller-kva.example.com" in raw


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@example.org, b@example.org", "a@example.org\r\nBcc: b@example.org"]
)
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(mail.NotAccepted) as refusal:
        mail.compose(template="confirmation", to=address, context=CONTEXT)

    assert refusal.value.is_permanent


def send() -> None:
    mail.send(template="confirmation", to="reader@example.org", context=CONTEXT, language="en")


def test_mail_goes_over_real_smtp_to_one_recipient(smtp_mailers: SmtpServer) -> None:
    send()

    (received,) = smtp_mailers.wait_for(1)
    assert received.recipients == ("reader@example.org",)
    assert received.parsed["To"] == "reader@example.org"


def test_international_local_part_is_mailed_where_the_server_can(smtp_mailers: SmtpServer) -> None:
    mail.send(template="confirmation", to="jürgen@example.org", context=CONTEXT, language="en")

    (received,) = smtp_mailers.wait_for(1)
    assert received.recipients == ("jürgen@example.org",)
    assert any(command.upper().startswith("MAIL") and "SMTPUTF8" in command for command in smtp_mailers.commands)


def test_international_local_part_is_refused_for_good_where_the_server_cannot(smtp_mailers: SmtpServer) -> None:
    smtp_mailers.extensions = ("8BITMIME",)

    with pytest.raises(mail.NotAccepted) as refusal:
        mail.send(template="confirmation", to="jürgen@example.org", context=CONTEXT, language="en")

    assert refusal.value.is_permanent
    assert smtp_mailers.messages == []


@pytest.mark.parametrize(
    ("stage", "reply", "is_permanent"),
    [
        (Stage.RCPT, "550 5.1.1 no such user", True),
        (Stage.RCPT, "450 4.2.0 greylisted", False),
        (Stage.MESSAGE, "554 5.7.1 spam", True),
        (Stage.MESSAGE, "451 4.3.0 later", False),
        (Stage.MAIL, "550 5.7.1 you are blocked", False),
        (Stage.CONNECT, "421 4.3.2 closing", False),
    ],
)
def test_refusal_says_whether_it_is_final(
    smtp_mailers: SmtpServer,
    stage: Stage,
    reply: str,
    is_permanent: bool,
) -> None:
    smtp_mailers.refuse(stage, reply)

    with pytest.raises(mail.NotAccepted) as refusal:
        send()

    assert refusal.value.is_permanent is is_permanent
    assert reply.split()[-1] in str(refusal.value)


def test_server_that_hangs_up_is_a_refusal_that_may_pass(smtp_mailers: SmtpServer) -> None:
    smtp_mailers.hang_up(Stage.BODY)

    with pytest.raises(mail.NotAccepted) as refusal:
        send()

    assert not refusal.value.is_permanent


def test_server_that_is_away_is_a_refusal_that_may_pass(smtp_mailers: SmtpServer) -> None:
    smtp_mailers.stop()

    with pytest.raises(mail.NotAccepted) as refusal:
        send()

    assert not refusal.value.is_permanent
