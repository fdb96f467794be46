"""A link is the only key: it opens what it was made for, of one person, and holds for years."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import AddressChange, SignUp, Subscriber, Subscription
from tests.factories import NOW, make_sign_up, make_subscription

pytestmark = pytest.mark.django_db
FAR = NOW + timedelta(days=36_500)


@dataclass
class Person:
    subscription: Subscription
    sign_up: SignUp
    change: AddressChange

    @property
    def subscriber(self) -> Subscriber:
        return Subscriber.objects.get(pk=self.subscription.subscriber_id)

    def paths(self) -> dict[Purpose, str]:
        return {
            Purpose.PREFERENCES: f"/preferences/{self.subscriber.preferences_token}/",
            Purpose.UNSUBSCRIBE: f"/unsubscribe/{self.subscription.unsubscribe_token}/",
            Purpose.CONFIRM: f"/confirm/{self.sign_up.token}/",
            Purpose.CHANGE_ADDRESS: f"/new-address/{self.change.confirm_token}/",
            Purpose.UNDO_ADDRESS: f"/undo-address/{self.change.undo_token}/",
        }


def make_person(name: str) -> Person:
    subscription = make_subscription(email=f"{name}@example.org")
    wish = make_subscription(subscriber=subscription.subscriber, status="pending", confirmed_at=None)
    change = AddressChange.objects.create(
        subscriber=subscription.subscriber, old_email=f"{name}@example.org", new_email=f"{name}@example.net",
        created_at=NOW, expires_at=FAR,
    )  # fmt: skip
    return Person(subscription, make_sign_up(subscriptions=[wish], expires_at=FAR), change)


def everything_of(person: Person) -> list[object]:
    pk = person.subscription.subscriber_id
    return [
        list(Subscriber.objects.filter(pk=pk).values()),
        list(Subscription.objects.filter(subscriber=pk).order_by("pk").values()),
        list(AddressChange.objects.filter(subscriber=pk).values()),
        list(SignUp.objects.filter(subscriber=pk).values()),
    ]


ACTIONS: list[dict[str, str]] = [
    {},
    {"action": "save"},
    {"action": "leave_all"},
    {"action": "erase"},
    {"action": "resume"},
    {"action": "undo"},
    {"action": "say_why", "reason": "other"},
    {"List-Unsubscribe": "One-Click"},
    {"email": "thief@example.org"},
]


@pytest.mark.parametrize("data", ACTIONS, ids=str)
def test_no_link_of_one_person_touches_another(client: Client, data: dict[str, str]) -> None:
    thief, victim = make_person("thief"), make_person("victim")
    before = everything_of(victim)
    extra = {
        "wanted": victim.subscription.newsletter.slug,
        "wishes": [str(each.pk) for each in victim.sign_up.subscriptions.all()],
        "choosing": "1",
        "subscriber": str(victim.subscriber.pk),
        "subscription": str(victim.subscription.pk),
        "pk": str(victim.subscriber.pk),
    }

    pages = ["address/", "download/", "erase/"]
    for path in [*thief.paths().values(), *(thief.paths()[Purpose.PREFERENCES] + page for page in pages)]:
        response = client.post(path, {**extra, **data})
        assert "victim@" not in response.content.decode()

    assert everything_of(victim) == before


def test_token_of_one_purpose_opens_no_page_of_another(client: Client) -> None:
    person = make_person("reader")
    before = everything_of(person)
    rows = {
        Purpose.PREFERENCES: person.subscriber.pk, Purpose.UNSUBSCRIBE: person.subscription.pk,
        Purpose.CONFIRM: person.sign_up.pk, Purpose.CHANGE_ADDRESS: person.change.pk,
        Purpose.UNDO_ADDRESS: person.change.pk,
    }  # fmt: skip

    for purpose, path in person.paths().items():
        kind = path.split("/")[1]
        for other in Purpose:
            if other != purpose:
                forged = f"/{kind}/{make_token(other, rows[purpose])}/"
                for data in ACTIONS:
                    assert client.post(forged, data).status_code == 404, (purpose, other)

    assert everything_of(person) == before


def test_number_of_somebody_elses_row_cannot_be_put_into_a_link(client: Client) -> None:
    thief, victim = make_person("thief"), make_person("victim")
    mine, theirs = (urlsafe_b64decode(each.subscription.unsubscribe_token) for each in (thief, victim))
    forged = urlsafe_b64encode(theirs[:8] + mine[8:]).decode()

    response = client.post(f"/unsubscribe/{forged}/", {"List-Unsubscribe": "One-Click"})

    victim.subscription.refresh_from_db()
    assert response.status_code == 404
    assert victim.subscription.status == "active"


def rotate(settings: Settings, *, keeping: bool) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if keeping else []
    settings.SECRET_KEY = "a new key, as of this morning"


@pytest.mark.parametrize("purpose", [Purpose.PREFERENCES, Purpose.UNSUBSCRIBE, Purpose.CONFIRM, Purpose.CHANGE_ADDRESS])
def test_links_in_old_mails_work_after_the_key_has_changed(
    client: Client, settings: Settings, purpose: Purpose
) -> None:
    path = make_person("reader").paths()[purpose]

    rotate(settings, keeping=True)
    kept = client.get(path).status_code
    settings.SECRET_KEY_FALLBACKS = []
    dropped = client.get(path).status_code

    assert (kept, dropped) == (200, 404)


def test_old_mail_leaves_with_one_click_after_the_key_has_changed_twice(client: Client, settings: Settings) -> None:
    person = make_person("reader")
    path = person.paths()[Purpose.UNSUBSCRIBE]
    settings.SECRET_KEY_FALLBACKS = ["a key between", settings.SECRET_KEY]
    settings.SECRET_KEY = "the newest key"

    response = client.post(path, {"List-Unsubscribe": "One-Click"})

    person.subscription.refresh_from_db()
    assert response.status_code == 200
    assert person.subscription.status == "ended"


def test_new_links_are_signed_with_the_new_key(client: Client, settings: Settings) -> None:
    person = make_person("reader")
    before = person.subscription.unsubscribe_token
    rotate(settings, keeping=True)

    after = person.subscription.unsubscribe_token
    settings.SECRET_KEY_FALLBACKS = []

    assert after != before
    assert client.get(f"/unsubscribe/{after}/").status_code == 200
