"""Row 3: the visitor's address comes from a proxy of ours or from the connection, never from a claim."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from newsletter.subscribers import protection
from newsletter.subscribers.models import SignUp
from tests.factories import make_newsletter
from tests.subscribers.forms import last_sign_up, post_form


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),  # the first one is whatever the visitor claims
        ("10.0.0.1", "203.0.113.9, 10.0.0.7", "203.0.113.9"),  # through two proxies of ours
        ("10.0.0.1", "10.0.0.9, 10.0.0.7", "10.0.0.9"),  # a visitor from within
        ("10.0.0.1", "203.0.113.9:52044", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::9]:443", "2001:db8::9"),
        ("10.0.0.1", "nonsense", None),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # past the proxy, straight to the port
    ],
)
def test_forwarded_address_is_believed_only_from_a_trusted_proxy(
    settings: Settings, peer: str, forwarded: str, seen: str | None
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    request = RequestFactory().post("/subscribe/", REMOTE_ADDR=peer, headers=headers)

    assert protection.client_address(request) == seen


def test_forwarded_address_is_ignored_where_no_proxy_was_announced(settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = None
    request = RequestFactory().post("/", REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "203.0.113.9"})

    assert protection.client_address(request) == "127.0.0.1"


@pytest.mark.django_db
def test_robot_that_claims_another_address_each_time_is_one_network(settings: Settings) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 2
    newsletter = make_newsletter()

    statuses = [
        post_form(
            Client(REMOTE_ADDR="198.51.100.7", headers={"X-Forwarded-For": f"203.0.{number}.1"}),
            newsletter,
            email=f"r{number}@example.org",
        ).status_code
        for number in range(4)
    ]

    assert statuses == [303, 303, 429, 429]
    assert last_sign_up().ip_address == "198.51.100.7"
    assert SignUp.objects.count() == 2
