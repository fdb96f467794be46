"""A confirmation link in other hands: another device, a scanner, a second click. All of it is harmless."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.subscribers.models import ConsentRecord, SignUp, Subscription
from newsletter.subscribers.signup import confirm
from tests.factories import NOW, make_sign_up, make_subscription

pytestmark = pytest.mark.django_db
PHONE = {"REMOTE_ADDR": "198.51.100.7", "headers": {"User-Agent": "Phone"}}


@pytest.fixture
def row() -> SignUp:
    pending = Subscription.Status.PENDING
    wishes = [make_subscription(status=pending, confirmed_at=None)]
    return make_sign_up(subscriptions=wishes, created_at=max(NOW, timezone.now()))


def test_link_works_on_another_device_than_the_form_was_sent_from(row: SignUp) -> None:
    response = Client(**PHONE).post(f"/confirm/{row.token}/")  # type: ignore[arg-type]

    assert response.status_code == 200
    assert Subscription.objects.get().status == Subscription.Status.ACTIVE
    assert ConsentRecord.objects.get().confirmation_ip == "198.51.100.7"
    assert not response.cookies


def test_second_device_is_told_kindly_and_adds_no_proof(row: SignUp) -> None:
    Client().post(f"/confirm/{row.token}/")

    again = Client(**PHONE).post(f"/confirm/{row.token}/")  # type: ignore[arg-type]

    assert "done its work" in again.content.decode()
    assert ConsentRecord.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Purpose": "prefetch"}, {"User-Agent": "Mozilla/5.0 (compatible; LinkScanner)"}, {"Range": "bytes=0-99"}],
)
def test_scanner_that_opens_the_link_often_confirms_nothing(headers: dict[str, str], row: SignUp) -> None:
    scanner = Client(headers=headers)

    for method in (scanner.get, scanner.head, scanner.options, scanner.get):
        method(f"/confirm/{row.token}/")

    row.refresh_from_db()
    assert row.status != SignUp.Status.CONFIRMED
    assert Subscription.objects.get().status == Subscription.Status.PENDING


def test_link_that_was_used_is_no_way_back_after_leaving_even_for_what_was_asked_later(row: SignUp) -> None:
    (subscription,) = confirm(sign_up=row, now=NOW)
    subscription.end(NOW, reason="page")
    subscription.reopen()

    assert confirm(sign_up=row, now=NOW) == []
    assert Subscription.objects.get().status == Subscription.Status.PENDING
