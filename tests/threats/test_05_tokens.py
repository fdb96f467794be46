"""Rows 5, 25 and 29: the token is the only key, opens one thing of one person, and cannot be guessed or bent."""

from __future__ import annotations

import inspect
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest
from django.test import Client

from newsletter.lib import tokens
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import Subscriber, Subscription
from newsletter.subscribers.signup import confirm, sign_up
from tests.factories import NOW, make_newsletter, make_sign_up, make_subscription
from tests.subscribers.forms import form

pytestmark = pytest.mark.django_db


def paths(subscription: Subscription) -> dict[str, str]:
    row = make_sign_up(subscriber=subscription.subscriber)
    return {
        "confirm": row.token,
        "preferences": subscription.subscriber.preferences_token,
        "unsubscribe": subscription.unsubscribe_token,
    }


def test_token_opens_no_other_page(client: Client) -> None:
    made = paths(make_subscription())

    for purpose, token in made.items():
        for page in made:
            status = client.post(f"/{page}/{token}/").status_code
            assert (status == 404) == (page != purpose), (purpose, page)


@pytest.mark.parametrize("page", ["confirm", "preferences", "unsubscribe"])
def test_token_of_one_reader_does_not_bend_to_the_next(client: Client, page: str) -> None:
    mine, other = make_subscription(), make_subscription()
    raw = urlsafe_b64decode(paths(mine)[page])
    pk = int.from_bytes(raw[:8])
    bent = urlsafe_b64encode((pk + 1).to_bytes(8) + raw[8:]).decode()

    assert client.post(f"/{page}/{bent}/").status_code == 404
    other.refresh_from_db()
    assert other.status == Subscription.Status.ACTIVE


def test_no_bit_of_a_token_may_change(client: Client) -> None:
    subscription = make_subscription()
    raw = urlsafe_b64decode(subscription.unsubscribe_token)

    for bit in range(len(raw) * 8):
        bent = bytearray(raw)
        bent[bit // 8] ^= 1 << bit % 8
        assert client.post(f"/unsubscribe/{urlsafe_b64encode(bent).decode()}/").status_code == 404

    subscription.refresh_from_db()
    assert subscription.status == Subscription.Status.ACTIVE


def test_mac_has_128_bits_and_is_compared_in_constant_time() -> None:
    raw = urlsafe_b64decode(make_token(Purpose.PREFERENCES, 1))

    assert (len(raw) - 8) * 8 >= 128
    assert "hmac.compare_digest(" in inspect.getsource(tokens.verify_token)


def test_preferences_link_dies_with_its_version(client: Client) -> None:
    subscriber = make_subscription().subscriber
    token = subscriber.preferences_token
    Subscriber.objects.filter(pk=subscriber.pk).update(link_version=subscriber.link_version + 1)

    assert client.get(f"/preferences/{token}/").status_code == 404


def test_confirmation_link_works_once_and_for_a_week() -> None:
    newsletter = make_newsletter()
    row, late = (sign_up(form=form(newsletter, email=f"r{n}@example.org"), now=NOW) for n in range(2))
    assert row
    assert late

    assert confirm(sign_up=row, now=NOW)
    assert not confirm(sign_up=row, now=NOW)
    assert not confirm(sign_up=late, now=NOW + timedelta(days=7, seconds=1))


def test_no_address_and_no_plain_id_stands_in_a_link() -> None:
    subscription = make_subscription()

    for token in paths(subscription).values():
        assert subscription.subscriber.email not in token
        assert not token.isdecimal()
