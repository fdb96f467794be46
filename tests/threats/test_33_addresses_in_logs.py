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
from newsletter.subscribers import personal_mail, tasks, upkeep
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber, Subscription, Suppression
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

    links += move_and_come_back(client, smtp_mailers, subscription.subscriber)
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


def move_and_come_back(client: Client, server: SmtpServer, reader: Subscriber) -> list[str]:
    """The link by mail, another address, and back: each mail refused once by a server that names its reader."""
    client.post("/my-link/", {"email": EMAIL.upper()})
    preferences = f"/preferences/{reader.preferences_token}/"
    client.post(preferences, {"action": "save", "name": NAME, "wanted": "x", "time_zone": "Europe/Berlin"})
    client.post(preferences, {"action": "undo_leaving"})
    client.post(f"{preferences}address/", {"email": f"new-{EMAIL}"})
    change = AddressChange.objects.get()
    deliver_all(server)
    client.post(f"/new-address/{change.confirm_token}/")
    deliver_all(server)
    client.get(f"/new-address/{change.confirm_token}/")
    client.post(f"/undo-address/{change.undo_token}/")
    for broken in ("new-address/x", "undo-address/x", f"preferences/{reader.preferences_token}/erase"):
        client.get(f"/{broken}/")
    reader.refresh_from_db()
    client.post(f"/preferences/{reader.preferences_token}/new-link/", {"action": "renew"})
    deliver_all(server)
    client.get(f"/preferences/{reader.preferences_token}/")
    reader.refresh_from_db()
    assert (reader.email, change.subscriber_id) == (EMAIL, reader.pk)
    return [change.confirm_token, change.undo_token, reader.preferences_token]


def deliver_all(server: SmtpServer) -> None:
    for mail in PersonalMail.objects.unmailed():
        server.refuse(Stage.RCPT, f"451 later, <{mail.email}>", times=1)
        personal_mail.deliver(mail_id=mail.pk, now=mail.created_at)
        personal_mail.deliver(mail_id=mail.pk, now=mail.created_at + timedelta(hours=1))
    tasks.sweep_personal_mails()


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
    client.get(f"{preferences}download/")
    client.post(preferences, {"action": "leave_all"})
    client.post(preferences, {"action": "say_why", "reason": "other", "words": f"write to {EMAIL}"})
    client.post(preferences, {"action": "undo_leaving"})
    client.post(f"/unsubscribe/{subscription.unsubscribe_token}/", {"List-Unsubscribe": "One-Click"})
    attack.watch(NOW)
    client.post(f"{preferences}erase/", {"action": "erase"})
    upkeep.clean_up(NOW + timedelta(days=400))
    delivery_retention.clean_up(NOW)
    client.get(preferences)
    assert not Subscriber.objects.filter(email=EMAIL).exists()
