"""The confirmation link: GET shows, POST confirms, once, within its days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import ConsentRecord, Newsletter, SignUp, Subscription
from newsletter.subscribers.signup import confirm, sign_up
from tests.factories import NOW, make_newsletter, make_subscription
from tests.subscribers.forms import form, last_sign_up, post_form

pytestmark = pytest.mark.django_db
Status = Subscription.Status


def asked(*newsletters: Newsletter, ago: timedelta = timedelta(0)) -> SignUp:
    row = sign_up(form=form(*(newsletters or [make_newsletter()])), now=timezone.now() - ago)
    assert row is not None
    return row


def path_of(row: SignUp) -> str:
    return f"/confirm/{row.token}/"


def assert_private(response: Any) -> None:
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response["X-Robots-Tag"]
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_changes_nothing(client: Client, method: str) -> None:
    row = asked()

    response = getattr(client, method)(path_of(row))

    row.refresh_from_db()
    assert response.status_code == 200
    assert_private(response)
    assert row.status == SignUp.Status.WAITING
    assert row.subscriptions.get().status == Status.PENDING
    assert not ConsentRecord.objects.exists()


def test_page_shows_what_will_be_confirmed_and_a_button(client: Client) -> None:
    newsletter = make_newsletter(name="Latest news", consent_text="I want the news.")

    page = client.get(path_of(asked(newsletter))).content.decode()

    assert "Latest news" in page
    assert "I want the news." in page
    assert '<form class="form narrow" method="post">' in page
    assert "csrf" not in page


def test_button_confirms_and_the_proof_is_kept() -> None:
    newsletter = make_newsletter()
    visitor = Client(headers={"Referer": "https://elsewhere.example/story", "User-Agent": "Browser 1.0"})
    post_form(visitor, newsletter)
    row = last_sign_up()

    response = Client(enforce_csrf_checks=True, REMOTE_ADDR="192.0.2.7").post(path_of(row))

    subscription = row.subscriptions.get()
    record = ConsentRecord.objects.get()
    assert response.status_code == 200
    assert_private(response)
    assert subscription.status == Status.ACTIVE
    assert Subscription.objects.mailable().get() == subscription
    assert (record.action, record.method) == ("given", "confirmed")
    assert record.wording is not None
    assert record.wording.text == newsletter.consent_text
    assert (record.page_url, record.user_agent) == ("https://elsewhere.example/story", "Browser 1.0")
    assert (record.ip_address, record.confirmation_ip) == ("127.0.0.1", "192.0.2.7")
    assert (record.asked_at, record.at) == (row.created_at, subscription.confirmed_at)
    assert record.address_hash == row.subscriber.address_hash


def test_welcome_says_what_comes_how_often_and_where_to_change_it(client: Client) -> None:
    newsletter = make_newsletter(name="Latest news", description="What happened.")
    row = asked(newsletter)

    page = client.post(path_of(row)).content.decode()

    assert "Latest news" in page
    assert "once a day" in page
    assert f"/preferences/{row.subscriber.preferences_token}/" in page


def test_second_click_is_friendly_and_changes_nothing(client: Client) -> None:
    row = asked()
    client.post(path_of(row))

    again, opened = client.post(path_of(row)), client.get(path_of(row))

    assert (again.status_code, opened.status_code) == (200, 200)
    assert "done its work" in again.content.decode()
    assert row.subscriber.email not in again.content.decode()
    assert "/preferences/" not in again.content.decode()
    assert ConsentRecord.objects.count() == 1


def test_used_link_does_not_bring_back_somebody_who_left(client: Client) -> None:
    row = asked()
    client.post(path_of(row))
    row.subscriptions.get().end(timezone.now(), reason="page")

    response = client.post(path_of(row))

    assert response.status_code == 200
    assert row.subscriptions.get().status == Status.ENDED


def test_two_clicks_at_once_confirm_once() -> None:
    row = asked()
    same = SignUp.objects.get(pk=row.pk)
    now = timezone.now()

    first, second = confirm(sign_up=row, now=now), confirm(sign_up=same, now=now)

    assert (len(first), len(second)) == (1, 0)


def test_link_offers_what_was_asked_for_later_the_same_day_without_ticking_it(client: Client) -> None:
    news, offers = make_newsletter(), make_newsletter()
    first, second = asked(news), asked(offers)
    own, other = first.subscriptions.get(), second.subscriptions.get()

    page = client.get(path_of(first)).content.decode()

    assert f'value="{own.pk}" checked' in page
    assert f'value="{other.pk}">' in page


def test_only_what_is_ticked_is_confirmed(client: Client) -> None:
    first, second = asked(make_newsletter(), make_newsletter()), asked(make_newsletter())
    one, two = first.subscriptions.order_by("pk")
    other = second.subscriptions.get()

    client.post(path_of(first), {"choosing": "1", "wishes": [one.pk, other.pk]})

    statuses = [Subscription.objects.get(pk=each.pk).status for each in (one, two, other)]
    assert statuses == [Status.ACTIVE, Status.PENDING, Status.ACTIVE]
    assert ConsentRecord.objects.count() == 2


def test_nothing_ticked_is_asked_about_and_the_link_stays_good(client: Client) -> None:
    row = asked()

    response = client.post(path_of(row), {"choosing": "1"})

    row.refresh_from_db()
    assert response.status_code == 400
    assert "at least one" in response.content.decode()
    assert row.status == SignUp.Status.WAITING


def test_link_confirms_nothing_of_other_people(client: Client) -> None:
    mine = asked()
    theirs = make_subscription(email="other@example.org", status=Status.PENDING, confirmed_at=None)

    client.post(path_of(mine), {"choosing": "1", "wishes": [theirs.pk, "-1", "x", "9" * 40]})

    theirs.refresh_from_db()
    assert theirs.status == Status.PENDING


def test_expired_link_offers_a_new_one_which_goes_to_the_same_address(client: Client) -> None:
    row = asked(ago=timedelta(days=7, minutes=1))

    opened, pressed = client.get(path_of(row)), client.post(path_of(row))
    renewed = client.post(path_of(row), {"renew": "1"})

    new = last_sign_up()
    assert (opened.status_code, pressed.status_code) == (410, 410)
    assert "new link" in opened.content.decode()
    assert row.subscriptions.get().status == Status.PENDING
    assert (renewed.status_code, renewed["Location"]) == (303, "/subscribe/check-inbox/")
    assert new.pk != row.pk
    assert (new.subscriber, list(new.subscriptions.all())) == (row.subscriber, list(row.subscriptions.all()))


def test_expired_link_of_somebody_who_used_a_later_one_does_not_say_that_they_are_not_subscribed(
    client: Client,
) -> None:
    newsletter = make_newsletter()
    first, second = asked(newsletter, ago=timedelta(days=9)), asked(newsletter)
    confirm(sign_up=second, now=timezone.now())

    page = client.get(f"/confirm/{first.token}/").content.decode()

    assert "You are not subscribed yet" not in page
    assert "renew" not in page


def test_link_of_a_forgotten_sign_up_asks_to_sign_up_again(client: Client) -> None:
    make_newsletter()

    response = client.get(f"/confirm/{make_token(Purpose.CONFIRM, 4040)}/")

    assert response.status_code == 410
    assert 'action="/subscribe/"' in response.content.decode()


def test_link_that_still_works_cannot_be_renewed(client: Client) -> None:
    row = asked()

    client.post(path_of(row), {"renew": "1"})

    assert last_sign_up() == row


@pytest.mark.parametrize("page", ["confirm", "preferences", "unsubscribe"])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("token", ["x", "A" * 32, "..", "%00", "a" * 5000, "é" * 32])
def test_forged_link_reveals_nothing_and_offers_the_form(client: Client, page: str, method: str, token: str) -> None:
    make_subscription(newsletter=make_newsletter(), email="reader@example.org")

    response = getattr(client, method)(f"/{page}/{token}/")

    assert response.status_code == 404
    assert "reader@example.org" not in response.content.decode()


def test_forged_link_offers_the_sign_up_form(client: Client) -> None:
    make_newsletter()

    response = client.get(f"/confirm/{'A' * 32}/")

    assert 'action="/subscribe/"' in response.content.decode()
    assert_private(response)


@pytest.mark.parametrize("purpose", [Purpose.PREFERENCES, Purpose.UNSUBSCRIBE, Purpose.CLICK, Purpose.OPEN])
def test_link_made_for_something_else_confirms_nothing(client: Client, purpose: Purpose) -> None:
    row = asked()

    response = client.post(f"/confirm/{make_token(purpose, row.pk)}/")

    assert response.status_code == 404
    assert row.subscriptions.get().status == Status.PENDING


def test_use_case_refuses_an_expired_link_by_itself() -> None:
    row = sign_up(form=form(make_newsletter()), now=NOW)
    assert row is not None

    assert confirm(sign_up=row, now=NOW + timedelta(days=7)) == []
