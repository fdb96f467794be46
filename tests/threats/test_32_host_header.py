"""Row 32: links in mails and forms lead to SITE_URL, whatever host a request names."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import PersonalMail
from newsletter.subscribers.signup import send_confirmation
from tests.factories import make_newsletter, make_subscription
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import last_sign_up, post_form

pytestmark = pytest.mark.django_db
POISON = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}


@pytest.mark.parametrize("path", ["/subscribe/", "/my-link/", "/embed.js"])
def test_unknown_host_is_refused(path: str) -> None:
    assert Client(headers=POISON).get(path).status_code == 400


@pytest.mark.parametrize("hosts", [["*"], ["localhost", "testserver"]], ids=["any host", "by header only"])
def test_no_mail_and_no_snippet_names_the_host_of_the_request(
    settings: Settings, smtp_mailers: SmtpServer, hosts: list[str]
) -> None:
    """Also on a site whose operator has opened ALLOWED_HOSTS to everything."""
    settings.ALLOWED_HOSTS = hosts
    client = Client(headers=POISON if hosts == ["*"] else {**POISON, "Host": "localhost"})
    reader = make_subscription(email="known@example.org").subscriber

    post_form(client, make_newsletter(), email="reader@example.org")
    client.post("/my-link/", {"email": reader.email})
    client.post(f"/preferences/{reader.preferences_token}/address/", {"email": "new@example.org"})
    send_confirmation(sign_up_id=last_sign_up().pk, now=last_sign_up().created_at)
    for row in PersonalMail.objects.all():
        personal_mail.deliver(mail_id=row.pk, now=row.created_at)

    assert len(smtp_mailers.messages) == 3
    for message in smtp_mailers.messages:
        assert b"evil.example" not in message.content
        body = message.parsed.get_body(("plain",))
        assert body
        assert settings.SITE_URL in body.get_content()
