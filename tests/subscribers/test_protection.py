"""The first layers against robots: honeypot, signed time, limit by network."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers import protection
from newsletter.subscribers.models import SignUp
from tests.factories import make_newsletter
from tests.subscribers.forms import post_form

pytestmark = pytest.mark.django_db


def stamp(age: timedelta) -> str:
    signer = signing.TimestampSigner(salt="newsletter.subscribers.form")
    timestamp = signing.b62_encode(signing.b62_decode(signer.timestamp()) - round(age.total_seconds()))
    return signing.Signer(salt=signer.salt).sign(f"form:{timestamp}")


def test_filled_honeypot_is_answered_as_ever_and_dropped(client: Client) -> None:
    response = post_form(client, make_newsletter(), comment="https://spam.example")

    assert (response.status_code, response["Location"]) == (303, "/subscribe/check-inbox/")
    assert not SignUp.objects.exists()


@pytest.mark.parametrize("age", [timedelta(seconds=3), timedelta(hours=23)])
def test_form_that_took_as_long_as_people_take_is_taken(client: Client, age: timedelta) -> None:
    assert post_form(client, make_newsletter(), form_time=stamp(age)).status_code == 303


@pytest.mark.parametrize("hours", [0, 25, -2], ids=["at once", "a day later", "from the future"])
def test_form_that_nobody_fills_in_at_that_time_is_shown_again(client: Client, hours: int) -> None:
    response = post_form(client, make_newsletter(), form_time=stamp(timedelta(hours=hours)))

    page = response.content.decode()
    assert response.status_code == 400
    assert "once more" in page
    assert 'value="reader@example.org"' in page
    assert not SignUp.objects.exists()


@pytest.mark.parametrize("form_time", ["form:x:y", "x", "\x00", "form:" + "z" * 9000])
def test_form_with_a_forged_time_is_shown_again(client: Client, form_time: str) -> None:
    assert post_form(client, make_newsletter(), form_time=form_time).status_code == 400


def test_time_signed_for_something_else_is_not_taken() -> None:
    assert not protection.is_timely(signing.TimestampSigner(salt="other").sign("form"))


def test_network_over_its_limit_is_asked_kindly_to_wait(client: Client, settings: Settings) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 3
    newsletter = make_newsletter()

    statuses = [
        Client(REMOTE_ADDR=f"192.0.2.{host}")
        .post("/subscribe/", {"email": f"r{host}@example.org", "newsletters": newsletter.slug})
        .status_code
        for host in range(1, 6)
    ]
    elsewhere = Client(REMOTE_ADDR="198.51.100.1").post(
        "/subscribe/", {"email": "r9@example.org", "newsletters": newsletter.slug}
    )

    assert statuses == [303, 303, 303, 429, 429]
    assert elsewhere.status_code == 303


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:0:100::1", "2001:db8:0:1ff::2", True),
        ("2001:db8:0:100::1", "2001:db8:0:200::1", False),
    ],
)
def test_networks_are_counted_not_addresses(settings: Settings, one: str, other: str, is_same: object) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 1
    protection.may_sign_up(one)

    assert (not protection.may_sign_up(other)) is is_same


def test_cache_that_is_down_lets_people_sign_up(client: Client, settings: Settings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }

    response = post_form(client, make_newsletter())

    assert response.status_code == 303
