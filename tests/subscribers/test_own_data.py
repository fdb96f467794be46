"""What readers may have and end: everything that we hold on them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from newsletter.engagement.models import Event, Rating
from newsletter.lib.addresses import address_hash
from newsletter.subscribers.farewells import say_why
from newsletter.subscribers.measuring import allow
from newsletter.subscribers.models import (
    AddressChange,
    Change,
    ConsentRecord,
    Farewell,
    Label,
    PersonalMail,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.suppression import is_suppressed
from tests.factories import (
    NOW,
    make_consent,
    make_newsletter,
    make_send,
    make_sign_up,
    make_subscriber,
    make_subscription,
    make_topic,
)

pytestmark = pytest.mark.django_db
# Where the download tells of each relation to a person. A new one has to be told and written here.
TOLD_UNDER = {
    "subscribers.Subscription": "your subscriptions",
    "subscribers.SignUp": "forms that were sent with your address",
    "subscribers.AddressChange": "your changes of address",
    "subscribers.ConsentRecord": "your consents",
    "subscribers.MeasuringConsent": "your consents to measuring",
    "subscribers.Change": "changes to your choices",
    "subscribers.PersonalMail": "mails about your link and your address",
    "delivery.Send": "mails to you",
    "engagement.Rating": "what you said of issues",
}


def download(client: Client, subscriber: Subscriber) -> Any:
    return client.get(f"/preferences/{subscriber.preferences_token}/download/")


@pytest.fixture
def reader() -> Subscriber:
    """Somebody with a row in every table."""
    subscription = make_subscription(
        newsletter=make_newsletter(name="Latest news"), topics=[make_topic(name="Harbor")],
        subscriber=make_subscriber(email="reader@example.org", name="Zoë", time_zone="Europe/Berlin"),
    )  # fmt: skip
    reader = subscription.subscriber
    reader.labels.add(Label.objects.create(name="press"))
    make_consent(subscription, ip_address="192.0.2.1", user_agent="Browser")
    make_sign_up(subscriptions=[subscription], page_url="https://news.example.org/about/")
    send = make_send(subscription=subscription, response="250 taken")
    Event.objects.create(send=send, kind="delivered", source="test", source_id="1", at=NOW)
    Rating.objects.create(issue=send.campaign.issue, subscriber=reader, answer="yes", comment="Short", at=NOW)
    AddressChange.objects.create(
        subscriber=reader, old_email="earlier@example.org", new_email=reader.email, status="done",
        created_at=NOW, expires_at=NOW, changed_at=NOW,
    )  # fmt: skip
    Change.objects.create(subscriber=reader, by="reader", field="cadence", before="daily", after="weekly", at=NOW)
    PersonalMail.objects.create(
        subscriber=reader, kind="my_link", status="mailed", created_at=NOW, next_attempt_at=NOW, settled_at=NOW
    )
    allow(reader, allows=True, method=ConsentRecord.Method.PREFERENCES, now=NOW)
    left = make_subscription(subscriber=reader, status="ended", ended_at=NOW, ended_reason="page")
    say_why(subscription=left, reason="too_much", words="I, Zoë, had enough", now=NOW)
    return reader


def test_download_holds_everything_in_words(reader: Subscriber, client: Client) -> None:
    response = download(client, reader)

    told = json.loads(response.content)
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert "no-store" in response["Cache-Control"]
    assert told["you"]["e-mail address"] == "reader@example.org"
    assert told["you"]["labels of our desk"] == ["press"]
    assert told["your subscriptions"][0]["topics"] == ["Harbor"]
    assert told["your consents"][0]["words that you agreed to"] == "I want the latest news by e-mail."
    assert told["forms that were sent with your address"][0]["page"] == "https://news.example.org/about/"
    assert told["mails to you"][0]["words of the mail server"] == "250 taken"
    assert told["what was reported about mails to you"][0]["what"] == "delivered"
    assert told["what you said of issues"][0]["in your own words"] == "Short"
    assert told["your changes of address"][0]["from"] == "earlier@example.org"
    assert told["changes to your choices"][0]["after"] == "weekly"
    assert told["why you left"][0]["in your words"] == "I, Zoë, had enough"
    assert "Zoë" in response.content.decode()


def test_download_tells_of_every_relation(reader: Subscriber, client: Client) -> None:
    relations = {each.related_model._meta.label for each in Subscriber._meta.related_objects}

    told = json.loads(download(client, reader).content)

    assert relations == set(TOLD_UNDER)
    assert all(told[title] for title in TOLD_UNDER.values())


def test_download_tells_of_nobody_else(reader: Subscriber, client: Client) -> None:
    other = make_subscription(email="other@example.org", newsletter=make_newsletter(name="Secret plans"))
    make_consent(other)
    make_send(subscription=other)

    content = download(client, reader).content.decode()

    assert "other@example.org" not in content
    assert "Secret plans" not in content


def test_erasing_asks_once(reader: Subscriber, client: Client) -> None:
    path = f"/preferences/{reader.preferences_token}/erase/"

    page = client.get(path)
    client.post(path)  # not the page's button

    assert page.status_code == 200
    assert 'value="erase"' in page.content.decode()
    assert Subscriber.objects.filter(pk=reader.pk).exists()


def test_erasing_is_done_at_once_and_says_what_it_did(reader: Subscriber, client: Client) -> None:
    response = client.post(f"/preferences/{reader.preferences_token}/erase/", {"action": "erase"})

    page = response.content.decode()
    assert response.status_code == 200
    assert "We have forgotten you" in page
    assert "Latest news" in page
    assert "reader@example.org" not in page
    assert not Subscriber.objects.filter(pk=reader.pk).exists()
    assert is_suppressed("reader@example.org")


def test_erasing_reaches_the_address_before_a_change_too(reader: Subscriber, client: Client) -> None:
    ConsentRecord.objects.create(
        subscriber=reader, address_hash=address_hash("earlier@example.org"), newsletter=make_newsletter(),
        action="withdrawn", method="page", at=NOW, ip_address="192.0.2.9",
    )  # fmt: skip

    client.post(f"/preferences/{reader.preferences_token}/erase/", {"action": "erase"})

    assert is_suppressed("earlier@example.org")
    assert not AddressChange.objects.exists()
    assert not ConsentRecord.objects.exclude(subscriber=None, ip_address=None).exists()


def test_earlier_address_that_somebody_else_has_is_theirs(reader: Subscriber, client: Client) -> None:
    make_subscription(email="Earlier@example.org")

    client.post(f"/preferences/{reader.preferences_token}/erase/", {"action": "erase"})

    assert not is_suppressed("earlier@example.org")
    assert Suppression.objects.count() == 1


def test_reason_counts_on_without_the_words(reader: Subscriber, client: Client) -> None:
    client.post(f"/preferences/{reader.preferences_token}/erase/", {"action": "erase"})

    farewell = Farewell.objects.get()
    assert (farewell.reason, farewell.words, farewell.subscription) == ("too_much", "", None)


def test_mail_that_was_owed_is_owed_no_more(reader: Subscriber, client: Client) -> None:
    PersonalMail.objects.create(kind="my_link", email=reader.email, created_at=NOW, next_attempt_at=NOW)

    client.post(f"/preferences/{reader.preferences_token}/erase/", {"action": "erase"})

    assert not PersonalMail.objects.exists()


@pytest.mark.parametrize("page", ["", "address/", "download/", "erase/"])
@pytest.mark.parametrize("version", [0, 3])
def test_links_of_somebody_erased_are_friendly(client: Client, page: str, version: int) -> None:
    reader = make_subscriber(link_version=version)
    path = f"/preferences/{reader.preferences_token}/{page}"
    reader.delete()

    for response in (client.get(path), client.post(path, {"action": "erase", "email": "new@example.org"})):
        assert response.status_code == 200
        assert "nothing from us" in response.content.decode()


@pytest.mark.parametrize("page", ["address/", "download/", "erase/"])
def test_looking_changes_nothing(reader: Subscriber, client: Client, page: str) -> None:
    before = list(Subscription.objects.values()), list(Subscriber.objects.values())

    for method in (client.get, client.head, client.options):
        method(f"/preferences/{reader.preferences_token}/{page}", {"action": "erase", "email": "new@example.org"})

    assert (list(Subscription.objects.values()), list(Subscriber.objects.values())) == before
    assert AddressChange.objects.count() == 1


def test_reason_for_leaving_is_asked_afterwards_and_never_needed(client: Client) -> None:
    subscription = make_subscription()
    path = f"/unsubscribe/{subscription.unsubscribe_token}/"

    before = client.get(path).content.decode()
    after = client.post(path, {"action": "leave"}).content.decode()
    thanks = client.post(path, {"action": "say_why", "reason": "other", "words": "moved\r\nBcc: x\x00"})

    farewell = Farewell.objects.get()
    assert 'name="reason"' not in before
    assert 'name="reason"' in after
    assert "Thank you for saying why" in thanks.content.decode()
    assert (farewell.reason, farewell.words, farewell.newsletter) == ("other", "moved Bcc: x", subscription.newsletter)


@pytest.mark.parametrize("reason", ["", "none-such", "\x00"])
def test_reason_that_is_none_is_not_kept(client: Client, reason: str) -> None:
    subscription = make_subscription(status="ended", ended_at=NOW, ended_reason="page")

    response = client.post(f"/unsubscribe/{subscription.unsubscribe_token}/", {"action": "say_why", "reason": reason})

    assert response.status_code == 200
    assert not Farewell.objects.exists()


def test_who_has_not_left_is_not_counted_and_stays(client: Client) -> None:
    subscription = make_subscription()

    client.post(f"/unsubscribe/{subscription.unsubscribe_token}/", {"action": "say_why", "reason": "other"})

    subscription.refresh_from_db()
    assert subscription.status == "active"
    assert not Farewell.objects.exists()


def test_better_reason_replaces_the_first() -> None:
    subscription = make_subscription(status="ended", ended_at=NOW, ended_reason="page")

    say_why(subscription=subscription, reason="other", words="", now=NOW)
    say_why(subscription=subscription, reason="looks", words="x" * 900, now=NOW + timedelta(minutes=1))

    farewell = Farewell.objects.get()
    assert (farewell.reason, len(farewell.words)) == ("looks", 500)
