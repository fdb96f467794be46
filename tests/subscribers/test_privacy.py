"""Erasing a person reaches everything that points to them."""

from __future__ import annotations

import logging
import re

import pytest
from django.apps import apps
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import models
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from newsletter.lib import doorbell
from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import (
    AppendOnlyError,
    ConfirmationMail,
    ConsentRecord,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.signup import send_confirmation, sign_up
from newsletter.subscribers.suppression import is_suppressed
from tests.factories import NOW, make_consent, make_editor, make_newsletter, make_send, make_sign_up, make_subscription
from tests.servers.smtp import SmtpServer, Stage
from tests.subscribers.forms import form, last_sign_up, post_form

pytestmark = pytest.mark.django_db

# What becomes of each relation when a person is erased. A new one has to be thought about and written here.
DELETED, ANONYMOUS = models.CASCADE, models.SET_NULL
RELATIONS = {
    "subscribers.Subscription.subscriber": DELETED,
    "subscribers.SignUp.subscriber": DELETED,
    "subscribers.AddressChange.subscriber": DELETED,
    "subscribers.Change.subscriber": DELETED,
    "subscribers.PersonalMail.subscriber": DELETED,
    "subscribers.ConsentRecord.subscriber": ANONYMOUS,
    "subscribers.MeasuringConsent.subscriber": ANONYMOUS,
    "delivery.Send.subscriber": ANONYMOUS,
    "engagement.Rating.subscriber": DELETED,
}
# Models that hold an address or its hash without pointing to the person.
ADDRESS_FIELDS = {
    "subscribers.Subscriber.email": "deleted",
    "subscribers.Subscriber.address_key": "deleted",
    "subscribers.Subscriber.address_hash": "deleted",
    "subscribers.ConsentRecord.address_hash": "keyed hash, kept as proof",
    "subscribers.MeasuringConsent.address_hash": "keyed hash, kept as proof",
    "subscribers.ConfirmationMail.address_hash": "deleted",
    "subscribers.ImportRefusal.address_hash": "deleted",
    "subscribers.AddressChange.old_email": "deleted",
    "subscribers.AddressChange.new_email": "deleted",
    "subscribers.PersonalMail.email": "emptied once the mail is settled, deleted with the person",
    "subscribers.Suppression.email": "emptied",
    "subscribers.Suppression.address_hash": "keyed hash, kept on purpose",
    "engagement.Event.address_hash": "keyed hash",
    "delivery.MailboxMessage.recipient": "only while no mail server is configured",
    "subscribers.Newsletter.sender_address": "the publisher's",
    "subscribers.Newsletter.reply_address": "the publisher's",
    "subscribers.Newsletter.postal_address": "the publisher's",
}
NOT_OF_READERS = {"auth", "admin"}
EMPTY_INLINE = {"subscriptions-TOTAL_FORMS": "0", "subscriptions-INITIAL_FORMS": "0"}


def test_every_relation_to_a_subscriber_is_classified() -> None:
    found = {
        f"{relation.related_model._meta.label}.{relation.field.name}": relation.on_delete
        for relation in Subscriber._meta.related_objects
    }

    assert found == RELATIONS


def test_every_field_that_may_hold_an_address_is_classified() -> None:
    words = ("email", "address", "recipient")
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label not in NOT_OF_READERS
        for field in model._meta.get_fields()
        if isinstance(field, models.CharField) and any(word in field.name for word in words)
    }

    assert found == set(ADDRESS_FIELDS)


def test_erasing_leaves_only_the_keyed_hash_and_anonymous_proof() -> None:
    subscription = make_subscription(email="reader@example.org")
    make_consent(subscription, ip_address="192.0.2.1", confirmation_ip="192.0.2.2", user_agent="Browser")
    make_sign_up(subscriptions=[subscription])
    send = make_send(subscription=subscription)
    ConfirmationMail.objects.create(address_hash=address_hash("reader@example.org"), at=NOW)

    erase(subscriber=subscription.subscriber, now=NOW)

    send.refresh_from_db()
    records = list(ConsentRecord.objects.order_by("pk"))
    assert not Subscriber.objects.exists()
    assert not Subscription.objects.exists()
    assert not SignUp.objects.exists()
    assert not ConfirmationMail.objects.exists()
    assert send.subscriber is None
    assert [record.action for record in records] == ["given", "withdrawn"]
    assert {
        (record.subscriber, record.ip_address, record.confirmation_ip, record.user_agent) for record in records
    } == {(None, None, None, "")}
    assert {record.address_hash for record in records} == {address_hash("reader@example.org")}
    assert Suppression.objects.get().email == ""
    assert is_suppressed("Reader@example.org")


def test_erased_person_is_not_in_any_table() -> None:
    newsletter = make_newsletter(test_addresses=["desk@example.org", "reader@example.org"])
    subscription = make_subscription(email="reader@example.org", newsletter=newsletter)
    make_consent(subscription)

    erase(subscriber=subscription.subscriber, now=NOW)

    for model in apps.get_models():
        for row in model._default_manager.values():
            assert "reader@example.org" not in str(row), model
    newsletter.refresh_from_db()
    assert newsletter.test_addresses == ["desk@example.org"]


def test_log_of_the_desk_says_what_was_done_but_not_to_whom(client: Client) -> None:
    editor = make_editor()
    client.force_login(editor)
    subscriber = make_subscription(email="Reader@example.org").subscriber
    other = make_subscription(email="other.reader@example.org").subscriber
    page = "admin:subscribers_subscriber_change"
    for person in (subscriber, other):
        client.post(reverse(page, args=[person.pk]), {"name": "Ada", "format": "html", **EMPTY_INLINE})
    client.post(reverse("admin:subscribers_suppression_add"), {"email": "reader@example.org", "note": ""})

    erase(subscriber=subscriber, now=NOW)

    entries = {(entry.action_flag, entry.object_repr) for entry in LogEntry.objects.all()}
    assert entries == {(CHANGE, "erased person"), (CHANGE, "other.reader@example.org"), (ADDITION, "erased person")}
    assert not re.search(r"(?<!other\.)reader@example.org", str(list(LogEntry.objects.values())), re.IGNORECASE)


def test_no_message_to_an_editor_is_kept_in_the_database(client: Client, settings: Settings) -> None:
    """They name people: whoever is erased must not be left in somebody's session."""
    assert settings.MESSAGE_STORAGE == "django.contrib.messages.storage.cookie.CookieStorage"


def test_proof_of_consent_is_never_edited_or_deleted() -> None:
    record = make_consent(make_subscription())

    with pytest.raises(AppendOnlyError):
        record.save()
    with pytest.raises(AppendOnlyError):
        record.delete()
    with pytest.raises(AppendOnlyError):
        ConsentRecord.objects.update(page_url="")
    with pytest.raises(AppendOnlyError):
        ConsentRecord.objects.all().delete()


def test_no_log_holds_an_address(
    caplog: pytest.LogCaptureFixture, smtp_mailers: SmtpServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)
    newsletter = make_newsletter()
    smtp_mailers.refuse(Stage.RCPT, "550 <secret.reader@example.org> unknown", times=1)

    post_form(client, newsletter, email="secret.reader@example.org")
    post_form(client, newsletter, email="secret.reader@example")
    send_confirmation(sign_up_id=last_sign_up().pk, now=last_sign_up().created_at)
    row = sign_up(form=form(newsletter, email="secret.reader2@example.org"), now=NOW)
    assert row is not None
    send_confirmation(sign_up_id=row.pk, now=NOW)
    row.refresh_from_db()
    client.post(f"/confirm/{row.token}/")
    client.post(f"/unsubscribe/{row.subscriptions.get().unsubscribe_token}/", {"List-Unsubscribe": "One-Click"})
    erase(subscriber=row.subscriber, now=NOW)

    ours = [each for each in caplog.records if not each.name.startswith("django.db")]
    assert "secret.reader" not in "".join(each.getMessage() for each in ours)
