"""Adding somebody by hand: on a named ground, asking first unless it is on paper, and never against their will."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.subscribers.models import ConsentRecord, Newsletter, SignUp, Subscriber, Subscription, Suppression
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests import factories

pytestmark = pytest.mark.django_db
ADDRESS = "new.reader@example.org"


def enter(desk: Client, newsletter: Newsletter, **fields: Any) -> Any:
    """Send the form, as for a signed paper in the drawer."""
    data = {
        "email": ADDRESS, "newsletters": [newsletter.pk], "ground": "paper", "agreed_on": "2026-10-01",
        "note": "Folder 7", **fields,
    }  # fmt: skip
    return desk.post(reverse("admin:subscribers_subscriber_add"), data)


def test_paper_form_makes_a_subscription_with_its_proof(desk: Client) -> None:
    newsletter = factories.make_newsletter()

    enter(desk, newsletter)

    record = ConsentRecord.objects.get()
    assert Subscription.objects.get().status == Subscription.Status.ACTIVE
    assert (record.method, record.ground, record.note) == ("editor", "paper", "Folder 7")
    assert record.wording
    assert record.asked_at
    assert timezone.localtime(record.asked_at).date() == date(2026, 10, 1)
    assert not SignUp.objects.exists()


@pytest.mark.parametrize("fields", [
    {"ground": "in_person"}, {"ground": "telephone"}, {"ground": "other"}, {"ground": "paper", "note": "  "},
    {"ground": "contract", "note": ""},
])  # fmt: skip
def test_what_is_not_on_paper_asks_the_reader_first(desk: Client, fields: dict[str, str]) -> None:
    enter(desk, factories.make_newsletter(), **fields)

    assert Subscription.objects.get().status == Subscription.Status.PENDING
    assert SignUp.objects.get().status == SignUp.Status.WAITING
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("spelling", [ADDRESS, "New.Reader@EXAMPLE.org"])
def test_suppressed_address_is_refused_with_the_reason(desk: Client, spelling: str) -> None:
    suppress(email=ADDRESS, reason=Suppression.Reason.COMPLAINT, now=timezone.now())

    response = enter(desk, factories.make_newsletter(), email=spelling)

    assert response.status_code == 400
    assert "suppression list" in response.text
    assert "complaint" in response.text
    assert not Subscriber.objects.exists()


def test_erased_person_is_refused(desk: Client) -> None:
    newsletter = factories.make_newsletter()
    erase(subscriber=factories.make_subscriber(email=ADDRESS), now=timezone.now())

    response = enter(desk, newsletter)

    assert "was erased" in response.text
    assert not Subscriber.objects.exists()


def test_who_left_after_the_day_of_the_paper_is_refused(desk: Client) -> None:
    subscription = factories.make_subscription(email=ADDRESS)
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.PAGE, now=timezone.now())

    before = enter(desk, subscription.newsletter)
    on_the_day = enter(desk, subscription.newsletter, agreed_on=timezone.localdate().isoformat())

    subscription.refresh_from_db()
    assert "They left" in before.text
    assert "They left" in on_the_day.text
    assert subscription.status == Subscription.Status.ENDED


def test_who_left_before_the_day_of_the_paper_comes_back(desk: Client) -> None:
    subscription = factories.make_subscription(email=ADDRESS)
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.PAGE, now=timezone.now() - timedelta(days=400))

    enter(desk, subscription.newsletter, agreed_on=timezone.localdate().isoformat())

    subscription.refresh_from_db()
    assert subscription.status == Subscription.Status.ACTIVE
    assert subscription.ended_at is None


def test_who_gets_it_already_keeps_the_first_consent(desk: Client) -> None:
    subscription = factories.make_subscription(email=ADDRESS)

    enter(desk, subscription.newsletter)
    enter(desk, subscription.newsletter, ground="telephone")

    assert not ConsentRecord.objects.exists()
    assert not SignUp.objects.exists()


@pytest.mark.parametrize("fields", [
    {"email": "nobody"}, {"newsletters": []}, {"ground": ""}, {"agreed_on": ""}, {"agreed_on": "2999-01-01"},
])  # fmt: skip
def test_form_that_says_too_little_is_shown_again(desk: Client, fields: dict[str, Any]) -> None:
    response = enter(desk, factories.make_newsletter(), **fields)

    assert response.status_code == 400
    assert not Subscriber.objects.exists()


def test_note_goes_with_the_person_and_the_ground_stays(desk: Client) -> None:
    enter(desk, factories.make_newsletter())

    erase(subscriber=Subscriber.objects.get(), now=timezone.now())

    given = ConsentRecord.objects.get(action="given")
    assert (given.note, given.ground, given.subscriber) == ("", "paper", None)
