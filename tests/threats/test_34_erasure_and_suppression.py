"""Row 34: who was erased is forgotten, and still nothing brings them back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter.delivery.dispatch import drain
from newsletter.lib.addresses import address_hash
from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import PersonalMail, SignUp, Subscriber, Subscription, Suppression
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.signup import send_confirmation
from newsletter.subscribers.upkeep import clean_up
from tests.factories import NOW, make_campaign, make_newsletter, make_send, make_subscription
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import post_form

pytestmark = pytest.mark.django_db
NAME = "jane-who-was-here"
EMAIL = f"{NAME}@example.org"


@pytest.mark.parametrize("spelling", [EMAIL, EMAIL.upper().replace("EXAMPLE.ORG", "Example.org")])
def test_no_way_in_mails_somebody_erased(client: Client, smtp_mailers: SmtpServer, spelling: str) -> None:
    erase(subscriber=make_subscription(email=EMAIL).subscriber, now=NOW)
    mover = make_subscription().subscriber

    post_form(client, make_newsletter(), email=spelling)
    client.post("/subscribe/check-inbox/", {"email": spelling})
    client.post("/my-link/", {"email": spelling})
    client.post(f"/preferences/{mover.preferences_token}/address/", {"email": spelling})
    for row in SignUp.objects.all():
        send_confirmation(sign_up_id=row.pk, now=row.created_at)
    for mail in PersonalMail.objects.all():
        personal_mail.deliver(mail_id=mail.pk, now=mail.created_at)

    assert smtp_mailers.messages == []
    assert SignUp.objects.count() == PersonalMail.objects.count() == 2


def test_what_strangers_typed_about_somebody_erased_is_forgotten_again(client: Client) -> None:
    erase(subscriber=make_subscription(email=EMAIL).subscriber, now=NOW)
    post_form(client, make_newsletter(), email=EMAIL)

    for _turn in range(2):
        clean_up(timezone.now() + timedelta(days=10))

    assert not Subscriber.objects.exists()
    assert [row for model in apps.get_models() for row in model._default_manager.values() if NAME in str(row)] == []


def test_erasing_while_their_mail_waits_takes_it_out_of_the_campaign(smtp_mailers: SmtpServer) -> None:
    campaign = make_campaign()
    other = make_send(campaign=campaign)
    gone = make_send(campaign=campaign, subscription=make_subscription(
        email=EMAIL, newsletter=campaign.issue.newsletter))  # fmt: skip
    assert gone.subscriber
    erase(subscriber=gone.subscriber, now=NOW)

    drain(campaign, clock=lambda: NOW, seconds=5.0)

    gone.refresh_from_db()
    other.refresh_from_db()
    assert [message.recipients for message in smtp_mailers.messages] == [(other.subscriber.email,)]  # type: ignore[union-attr]
    assert gone.subscriber_id is None
    assert other.status == "sent"
    assert gone.status not in {"queued", "in_flight", "sent"}


def test_list_recognizes_somebody_after_the_secret_key_was_changed(settings: Settings) -> None:
    settings.ADDRESS_HASH_KEY = "kept apart"
    before = address_hash(EMAIL)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"

    assert address_hash(EMAIL) == before


def test_complaint_is_no_erasure(client: Client) -> None:
    """An objection keeps the address on the list, to be shown to the desk; only an erasure takes it away."""
    subscription = make_subscription(email=EMAIL)
    Suppression.objects.create(email=EMAIL, reason=Suppression.Reason.COMPLAINT)

    erase(subscriber=subscription.subscriber, now=NOW)

    row = Suppression.objects.get()
    assert (row.email, row.reason) == ("", Suppression.Reason.ERASED)
    assert not Subscription.objects.exists()
