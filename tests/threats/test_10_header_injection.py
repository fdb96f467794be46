"""Rows 10, 32 and 52: characters that make a second header, another mailbox, another site or another reading."""

from __future__ import annotations

import pytest
from django.test import Client

from newsletter.subscribers.models import SignUp, Subscriber
from newsletter.subscribers.signup import confirm, send_confirmation
from tests.factories import make_newsletter
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import last_sign_up, post_form

pytestmark = pytest.mark.django_db
SURPRISING = [
    "reader@example.org\r\nBcc: victim@example.org",
    "reader@example.org\nBcc: victim@example.org",
    "reader@example.org\u2028Bcc: v@example.org",
    "reader@example.org\x00",
    "reader@example.org, victim@example.org",
    "reader@example.org; victim@example.org",
    "reader@example.org victim@example.org",
    "victim@example.org <reader@example.org>",
    "<reader@example.org>",
    "@relay.example:reader@example.org",
    "reader%victim.example@example.org",
    "victim.example!reader@example.org",
    "reader@victim.example@example.org",
    '"reader@victim.example "@example.org',
    "reader(comment)@example.org",
    "reader@[127.0.0.1]",
    "reader@example.org.",
    "reader@exam\u200bple.org",
    "reader@\u202eorg.elpmaxe",
    "=?utf-8?q?reader?=@example.org",
    "reader@-example.org",
    "reader@localhost",
    "a" * 65 + "@example.org",
    "reader@" + "a." * 130 + "org",
]


@pytest.mark.parametrize("typed", SURPRISING)
def test_what_mail_servers_read_in_two_ways_is_refused(client: Client, typed: str) -> None:
    response = post_form(client, make_newsletter(), email=typed)

    if response.status_code == 303:  # white space and a trailing line break are taken off, nothing else
        assert Subscriber.objects.get().email == "reader@example.org", typed
    assert response.status_code == 400, typed
    assert not SignUp.objects.exists()


@pytest.mark.parametrize(
    "name", ["x\r\nBcc: victim@example.org", "x\u2028Bcc: v@example.org", "\u202egnp.exe\u2066", "x\x00"]
)
def test_name_cannot_break_out_of_its_line(client: Client, name: str) -> None:
    post_form(client, make_newsletter(), name=name)

    kept = Subscriber.objects.get().name
    assert not set(kept) & set("\r\n\x00\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_mail_has_one_recipient_and_the_headers_that_we_wrote(client: Client, smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter(name="News\r\nBcc: victim@example.org")
    post_form(client, newsletter, name="x\r\nBcc: victim@example.org", page_url="https://e.org/\r\nBcc: v@example.org")
    row = last_sign_up()

    send_confirmation(sign_up_id=row.pk, now=row.created_at)

    (message,) = smtp_mailers.messages
    assert message.recipients == ("reader@example.org",)
    assert message.parsed["Bcc"] is None


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost@evil.example", "localhost:1@evil.example", "evil.example:80"]
)
def test_no_host_header_reaches_a_mail(client: Client, smtp_mailers: SmtpServer, host: str) -> None:
    values = {"email": "reader@example.org", "newsletters": make_newsletter().slug}
    headers = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Server": host, "Forwarded": f"host={host}"}

    refused = client.post("/subscribe/", values, headers=headers)
    client.post("/subscribe/", values, headers={**headers, "Host": "localhost"})
    row = last_sign_up()
    send_confirmation(sign_up_id=row.pk, now=row.created_at)

    assert refused.status_code == 400
    assert b"evil" not in smtp_mailers.messages[0].content
    assert confirm(sign_up=row, now=row.created_at)
