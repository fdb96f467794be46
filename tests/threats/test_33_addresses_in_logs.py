"""Row 33: the log of a whole journey at its most talkative names nobody, and holds no link that opens anything."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from django.test import Client

from newsletter.delivery import retention as delivery_retention
from newsletter.delivery.dispatch import drain
from newsletter.engagement.feedback import Report, record
from newsletter.subscribers import tasks, upkeep
from newsletter.subscribers.models import Subscriber, Subscription, Suppression
from newsletter.subscribers.shield import attack
from newsletter.subscribers.signup import send_confirmation
from tests.factories import NOW, make_campaign, make_newsletter, make_send
from tests.servers.smtp import SmtpServer, Stage
from tests.subscribers.forms import last_sign_up, post_form

NAME = "jane-of-the-journey"
EMAIL = f"{NAME}@example.org"


class Everything(logging.Handler):
    """All that any formatter could write: the message, its arguments, the trace, what was attached."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.lines.append(f"{record.name}: {record.getMessage()} {record.args!r} {trace}")


@pytest.fixture
def log() -> Everything:
    return Everything()


@pytest.fixture(autouse=True)
def _talkative(log: Everything) -> object:
    levels = {}
    for name in ("", "django", "django.request", "newsletter", "articles", "config", "celery", "kombu", "urllib3"):
        logger = logging.getLogger(name)
        levels[name] = logger.level
        logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(log)
    yield
    logging.getLogger().removeHandler(log)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.django_db(transaction=True)
def test_journey_from_sign_up_to_erasure(client: Client, smtp_mailers: SmtpServer, log: Everything) -> None:
    newsletter = make_newsletter()
    links = sign_up_and_confirm(client, smtp_mailers, newsletter.slug)
    subscription = Subscription.objects.get(subscriber__email=EMAIL, newsletter=newsletter)
    links += [subscription.unsubscribe_token, subscription.subscriber.preferences_token]

    receive_and_bounce(subscription, smtp_mailers)
    leave_and_be_erased(client, subscription)

    spoken = "\n".join(log.lines)
    assert "Bad Request: /confirm/…/" in spoken  # it was listened to
    assert NAME not in spoken.lower()
    assert [link for link in links if link in spoken] == []


def sign_up_and_confirm(client: Client, server: SmtpServer, slug: str) -> list[str]:
    post_form(client, make_newsletter(), email=f"{NAME}@")
    for values in ({"email": EMAIL, "newsletters": [slug]}, {"email": f"{NAME}@nowhere", "newsletters": ["x"]}):
        client.post("/subscribe/", json.dumps(values), content_type="application/json")
    row = last_sign_up()
    client.post("/subscribe/check-inbox/", {"email": EMAIL})
    client.post("/my-link/", {"email": EMAIL})
    server.refuse(Stage.RCPT, f"451 later, {EMAIL}", times=1)
    send_confirmation(sign_up_id=row.pk, now=row.created_at)
    send_confirmation(sign_up_id=row.pk, now=row.created_at + timedelta(hours=1))
    tasks.sweep()
    path = f"/confirm/{row.token}/"
    client.get(path)
    client.post(path, {"choosing": "1"})
    client.post(path)
    client.post(path)
    client.get(path[:-2] + "x/")
    return [row.token]


def receive_and_bounce(subscription: Subscription, server: SmtpServer) -> None:
    campaign = make_campaign()
    send = make_send(campaign=campaign, subscriber=subscription.subscriber, subscription=subscription)
    server.refuse(Stage.RCPT, f"550 5.1.1 <{EMAIL}> unknown")
    drain(campaign, clock=lambda: NOW, seconds=5.0)
    report = Report(source="test", kind="bounced", recipient=EMAIL, at=NOW, source_id="1", send_pk=send.pk,
                    is_hard=True, detail=f"550 {EMAIL} unknown")  # fmt: skip
    record(report, now=NOW)
    assert Suppression.objects.filter(email=EMAIL).exists()


def leave_and_be_erased(client: Client, subscription: Subscription) -> None:
    preferences = f"/preferences/{subscription.subscriber.preferences_token}/"
    client.post(preferences, {"action": "save", "name": NAME})
    client.get(f"{preferences}download/")
    client.post(f"{preferences}address/", {"email": f"new-{EMAIL}"})
    client.post(f"/unsubscribe/{subscription.unsubscribe_token}/", {"List-Unsubscribe": "One-Click"})
    attack.watch(NOW)
    client.post(f"{preferences}erase/", {"action": "erase"})
    upkeep.clean_up(NOW + timedelta(days=400))
    delivery_retention.clean_up(NOW)
    client.get(preferences)
    assert not Subscriber.objects.filter(email=EMAIL).exists()
