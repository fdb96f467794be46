"""A provider's webhook over HTTP: its documented payload in, our event out; refused without the secret."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import clear_url_caches, set_urlconf
from pytest_django import Settings

from config import urls as site_urls
from newsletter.engagement import urls as engagement_urls
from newsletter.engagement.models import Event
from newsletter.subscribers.models import Suppression
from tests.factories import make_send, make_subscription

pytestmark = pytest.mark.django_db

SECRET = "provider:only-for-tests"


@pytest.fixture
def webhooks(settings: Settings) -> Iterator[None]:
    """The site with a webhook secret; which paths there are is decided when the URLs are loaded."""
    settings.WEBHOOK_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    _reload_urls()
    yield
    settings.WEBHOOK_SECRET = ""
    _reload_urls()


def _reload_urls() -> None:
    importlib.reload(engagement_urls)
    importlib.reload(site_urls)
    clear_url_caches()
    set_urlconf(None)


def bounce(send_pk: int) -> dict[str, object]:
    """Postmark's documented bounce webhook."""
    return {
        "RecordType": "Bounce",
        "ID": 4323372036854775807,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Tag": "",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"send": str(send_pk)},
        "ServerID": 23,
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "Details": "smtp;550 5.1.1 no such user",
        "Email": "ada@example.org",
        "From": "news@example.com",
        "BouncedAt": "2026-11-23T06:00:00Z",
        "DumpAvailable": False,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "The latest news",
        "MessageStream": "broadcast",
    }


def post(payload: dict[str, object], *, secret: str = SECRET) -> int:
    credentials = base64.b64encode(secret.encode()).decode()
    response = Client().post(
        "/webhooks/postmark/tracking/",
        payload,
        content_type="application/json",
        headers={"authorization": f"Basic {credentials}"},
    )
    return response.status_code


@pytest.mark.usefixtures("webhooks")
def test_hard_bounce_is_kept_with_its_send_and_suppresses_the_address() -> None:
    send = make_send(subscription=make_subscription(email="ada@example.org"))

    status = post(bounce(send.pk))

    assert status == 200
    event = Event.objects.get()
    assert (event.kind, event.source, event.send) == ("bounced", "postmark", send)
    assert Suppression.objects.get().reason == Suppression.Reason.HARD_BOUNCE


@pytest.mark.usefixtures("webhooks")
def test_wrong_secret_is_refused() -> None:
    assert post(bounce(1), secret="provider:guessed") == 400
    assert not Event.objects.exists()


def test_site_without_a_secret_has_no_webhooks() -> None:
    assert post(bounce(1)) == 404
