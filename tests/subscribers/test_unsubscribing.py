"""Leaving: one click from the mail program (RFC 8058), one from the page; and coming back after a slip."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import Cadence, ConsentRecord, Subscription
from newsletter.subscribers.unsubscribing import undo, unsubscribe
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription

pytestmark = pytest.mark.django_db
Status, Method = Subscription.Status, ConsentRecord.Method
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def path_of(subscription: Subscription) -> str:
    return f"/unsubscribe/{subscription.unsubscribe_token}/"


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_changes_nothing(client: Client, method: str) -> None:
    subscription = make_subscription()

    response = getattr(client, method)(path_of(subscription))

    subscription.refresh_from_db()
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response["X-Robots-Tag"]
    assert subscription.status == Status.ACTIVE


@pytest.mark.parametrize("as_multipart", [False, True], ids=["urlencoded", "multipart"])
def test_one_click_leaves_at_once_without_cookie_or_redirect(as_multipart: object) -> None:
    subscription = make_subscription()
    client = Client(enforce_csrf_checks=True)

    if as_multipart:
        response = client.post(path_of(subscription), ONE_CLICK)
    else:
        body = "List-Unsubscribe=One-Click"
        response = client.post(path_of(subscription), body, content_type="application/x-www-form-urlencoded")

    subscription.refresh_from_db()
    record = ConsentRecord.objects.get()
    assert response.status_code == 200
    assert not response.cookies
    assert (subscription.status, subscription.ended_reason) == (Status.ENDED, "one_click")
    assert (record.action, record.method, record.newsletter) == ("withdrawn", "one_click", subscription.newsletter)
    assert not Subscription.objects.mailable().exists()


def test_one_click_may_be_repeated(client: Client) -> None:
    subscription = make_subscription()

    statuses = [client.post(path_of(subscription), ONE_CLICK).status_code for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert ConsentRecord.objects.count() == 1


def test_button_of_the_page_leaves_too(client: Client) -> None:
    subscription = make_subscription()

    page = client.post(path_of(subscription), {"action": "leave"}).content.decode()

    subscription.refresh_from_db()
    assert (subscription.status, subscription.ended_reason) == (Status.ENDED, "page")
    assert "You have left" in page
    assert 'value="undo"' in page


def test_leaving_one_newsletter_is_not_leaving_all(client: Client) -> None:
    reader = make_subscriber()
    left, kept = make_subscription(subscriber=reader), make_subscription(subscriber=reader)

    page = client.post(path_of(left), ONE_CLICK).content.decode()

    kept.refresh_from_db()
    assert kept.status == Status.ACTIVE
    assert kept.newsletter.name in page
    assert 'value="leave_all"' in page


def test_leaving_all_is_one_click_too(client: Client) -> None:
    reader = make_subscriber()
    mine = [make_subscription(subscriber=reader) for _ in range(3)]
    other = make_subscription()

    client.post(path_of(mine[0]), {"action": "leave_all"})

    assert reader.subscriptions.filter(status=Status.ENDED).count() == 3
    assert ConsentRecord.objects.filter(subscriber=reader, action="withdrawn").count() == 3
    other.refresh_from_db()
    assert other.status == Status.ACTIVE


@pytest.mark.parametrize("status", [Status.PENDING, Status.PAUSED])
def test_what_is_not_active_can_be_left_too(status: str) -> None:
    subscription = make_subscription(status=status)

    assert unsubscribe(subscription=subscription, method=Method.PAGE, now=NOW)
    assert subscription.status == Status.ENDED


def test_unconfirmed_wish_is_taken_back_without_a_withdrawal(client: Client) -> None:
    wish = make_subscription(status=Status.PENDING, confirmed_at=None)

    client.post(path_of(wish), ONE_CLICK)

    wish.refresh_from_db()
    assert (wish.status, wish.ended_reason) == (Status.ENDED, "one_click")
    assert not ConsentRecord.objects.exists()
    change = wish.subscriber.changes.get()
    assert (change.by, change.field, change.before, change.after) == ("reader", "status", "pending", "ended")


@pytest.mark.parametrize("data", [{}, {"action": "less_often", "cadence": "weekly"}])
def test_page_of_an_unconfirmed_wish_says_that_nothing_comes(client: Client, data: dict[str, str]) -> None:
    newsletter = make_newsletter(cadences=["daily", "weekly"])
    wish = make_subscription(newsletter=newsletter, status=Status.PENDING, confirmed_at=None)

    text = (client.post if data else client.get)(path_of(wish), data).content.decode()

    wish.refresh_from_db()
    assert (wish.status, wish.cadence) == (Status.PENDING, Cadence.DAILY)
    assert "does not come to you" in text
    assert "Take the request back" in text
    assert "Only once a week" not in text


def test_undo_brings_back_with_a_new_proof_of_consent(client: Client) -> None:
    subscription = make_subscription()
    client.post(path_of(subscription), ONE_CLICK)

    page = client.post(path_of(subscription), {"action": "undo"}).content.decode()

    subscription.refresh_from_db()
    assert subscription.status == Status.ACTIVE
    assert [record.action for record in ConsentRecord.objects.order_by("pk")] == ["withdrawn", "given"]
    assert 'value="leave"' in page


def test_undo_brings_back_everything_that_one_click_ended_and_nothing_else(client: Client) -> None:
    reader = make_subscriber()
    first, second, third = (make_subscription(subscriber=reader) for _ in range(3))
    client.post(path_of(third), ONE_CLICK)
    client.post(path_of(first), {"action": "leave_all"})

    client.post(path_of(first), {"action": "undo"})

    for each in (first, second, third):
        each.refresh_from_db()
    assert (first.status, second.status, third.status) == (Status.ACTIVE, Status.ACTIVE, Status.ENDED)


def test_less_often_stands_beside_leaving_never_before_it(client: Client) -> None:
    newsletter = make_newsletter(cadences=["daily", "weekly"])
    subscription = make_subscription(newsletter=newsletter, cadence=Cadence.DAILY)

    before = client.get(path_of(subscription)).content.decode()
    after = client.post(path_of(subscription), {"action": "leave"}).content.decode()
    client.post(path_of(subscription), {"action": "less_often", "cadence": "weekly"})

    subscription.refresh_from_db()
    assert before.index('value="leave"') < before.index('name="cadence"')
    assert 'value="weekly"' in after
    assert (subscription.status, subscription.cadence) == (Status.ACTIVE, Cadence.WEEKLY)


def test_cadence_that_is_not_offered_is_not_taken() -> None:
    subscription = make_subscription()
    unsubscribe(subscription=subscription, method=Method.PAGE, now=NOW)

    undo(subscription=subscription, now=NOW, cadence="hourly")

    assert subscription.cadence == Cadence.DAILY


@pytest.mark.parametrize(
    ("method", "ago", "comes_back"),
    [
        (Method.ONE_CLICK, timedelta(hours=1), True),
        (Method.PAGE, timedelta(days=6), True),
        (Method.PAGE, timedelta(days=8), False),
        (Method.FEEDBACK, timedelta(hours=1), False),
        (Method.EDITOR, timedelta(hours=1), False),
    ],
)
def test_undo_is_for_a_slip_of_ones_own(method: ConsentRecord.Method, ago: timedelta, comes_back: object) -> None:
    subscription = make_subscription()
    unsubscribe(subscription=subscription, method=method, now=NOW - ago)

    assert undo(subscription=subscription, now=NOW) is comes_back


def test_never_confirmed_wish_cannot_be_undone_into_a_subscription() -> None:
    subscription = make_subscription(status=Status.PENDING, confirmed_at=None)
    unsubscribe(subscription=subscription, method=Method.PAGE, now=NOW)

    assert not undo(subscription=subscription, now=NOW)


def reopened(subscription: Subscription) -> Subscription:
    """Somebody, not necessarily its reader, asked for it again with a form."""
    Subscription.objects.filter(pk=subscription.pk).update(status=Status.PENDING)
    subscription.refresh_from_db()
    return subscription


@pytest.mark.parametrize("action", ["leave", "leave_all"])
def test_old_mail_and_a_form_bring_nobody_back_who_left_long_ago(client: Client, action: str) -> None:
    subscription = make_subscription(status=Status.ENDED, ended_at=NOW - timedelta(days=900), ended_reason="page")
    reopened(subscription)

    client.post(path_of(subscription), {"action": action})
    client.post(path_of(subscription), {"action": "undo"})

    subscription.refresh_from_db()
    assert (subscription.status, subscription.ended_at) == (Status.ENDED, NOW - timedelta(days=900))
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize("by", [Method.EDITOR, Method.IMPORT])
def test_who_was_ended_by_others_is_not_brought_back_by_an_old_mail(client: Client, by: ConsentRecord.Method) -> None:
    subscription = make_subscription()
    unsubscribe(subscription=subscription, method=by, now=timezone.now())

    client.post(path_of(subscription), ONE_CLICK)
    client.post(path_of(subscription), {"action": "undo"})

    subscription.refresh_from_db()
    assert (subscription.status, subscription.ended_reason) == (Status.ENDED, "one_click")


def test_link_of_somebody_who_left_long_ago_is_friendly(client: Client) -> None:
    subscription = make_subscription(status=Status.ENDED, ended_at=NOW - timedelta(days=900), ended_reason="page")

    response = client.get(path_of(subscription))

    assert response.status_code == 200
    assert "You have left" in response.content.decode()
    assert 'value="undo"' not in response.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_link_of_somebody_erased_is_friendly(client: Client, method: str) -> None:
    response = getattr(client, method)(f"/unsubscribe/{make_token(Purpose.UNSUBSCRIBE, 4040)}/", ONE_CLICK)

    assert response.status_code == 200
    assert "nothing from us" in response.content.decode()


@pytest.mark.parametrize("purpose", [Purpose.CONFIRM, Purpose.PREFERENCES])
def test_link_made_for_something_else_ends_nothing(client: Client, purpose: Purpose) -> None:
    subscription = make_subscription()

    response = client.post(f"/unsubscribe/{make_token(purpose, subscription.pk)}/", ONE_CLICK)

    subscription.refresh_from_db()
    assert response.status_code == 404
    assert subscription.status == Status.ACTIVE


def test_body_that_cannot_be_read_is_no_crash(client: Client) -> None:
    subscription = make_subscription()

    response = client.post(path_of(subscription), data=b"\xff", content_type="multipart/form-data; boundary=")

    assert response.status_code == 400
