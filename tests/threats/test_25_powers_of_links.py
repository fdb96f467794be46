"""Row 25: what a link opens, and what it must not: links stand in old mails, which are passed on and kept for years."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.subscribers.models import AddressChange, Change, Subscriber, Subscription
from newsletter.subscribers.self_service.changing_address import ask, make, undo
from tests.factories import make_newsletter, make_sign_up, make_subscription

pytestmark = pytest.mark.django_db
OLD, NEW, THIRD = "old@example.org", "new@example.net", "third@example.com"


@pytest.fixture
def subscription() -> Subscription:
    return make_subscription(email=OLD, newsletter=make_newsletter(cadences=["daily", "weekly"]))


def moved(subscriber: Subscriber, email: str) -> AddressChange:
    subscriber.refresh_from_db()
    assert ask(subscriber=subscriber, new_email=email, now=timezone.now())
    change = AddressChange.objects.order_by("-pk")[0]
    make(change=change, now=timezone.now())
    return change


def leaving(subscription: Subscription) -> str:
    return f"/unsubscribe/{subscription.unsubscribe_token}/"


@pytest.mark.parametrize("action", ["", "leave", "leave_all", "undo", "less_often", "say_why"])
def test_link_for_leaving_opens_nothing_else(client: Client, subscription: Subscription, action: str) -> None:
    """Else it would hand out a new link to the person's page where the old ones were revoked."""
    answers = [client.get(leaving(subscription))]
    if action:
        answers.append(client.post(leaving(subscription), {"action": action, "cadence": "weekly", "reason": "other"}))

    for answer in answers:
        assert answer.status_code == 200
        assert "/preferences/" not in answer.content.decode()


def test_link_for_leaving_does_not_name_the_address_that_one_moved_to(
    client: Client, subscription: Subscription
) -> None:
    moved(subscription.subscriber, NEW)

    pages = client.get(leaving(subscription)).content + client.post(leaving(subscription)).content

    assert NEW not in pages.decode()
    assert "n…@example.net" in pages.decode()


def test_link_for_leaving_takes_less_and_never_more(client: Client, subscription: Subscription) -> None:
    page = client.get(leaving(subscription)).content.decode()
    client.post(leaving(subscription), {"action": "less_often", "cadence": "weekly"})
    client.post(leaving(subscription), {"action": "less_often", "cadence": "daily"})

    subscription.refresh_from_db()
    assert page.index('value="leave"') < page.index('value="less_often"')
    assert (subscription.status, subscription.cadence) == (Subscription.Status.ACTIVE, "weekly")
    assert [(change.field, change.after) for change in Change.objects.all()] == [("cadence", "weekly")]


def test_mailbox_that_one_has_left_learns_nothing(client: Client, subscription: Subscription) -> None:
    first = moved(subscription.subscriber, NEW)
    moved(subscription.subscriber, THIRD)

    page = client.get(f"/new-address/{first.confirm_token}/").content.decode()

    assert THIRD not in page
    assert "/preferences/" not in page


def test_link_that_changed_the_address_shows_the_page_for_a_week_only(
    client: Client, subscription: Subscription
) -> None:
    change = moved(subscription.subscriber, NEW)
    fresh = client.get(f"/new-address/{change.confirm_token}/").content.decode()
    AddressChange.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    stale = client.get(f"/new-address/{change.confirm_token}/").content.decode()

    assert "/preferences/" in fresh
    assert "/preferences/" not in stale


def test_thief_whose_moves_were_undone_gets_no_new_link(client: Client, subscription: Subscription) -> None:
    """The thief's mailbox was told of the second move, with a link to undo it."""
    first = moved(subscription.subscriber, NEW)
    second = moved(subscription.subscriber, THIRD)
    undo(change=first, now=timezone.now())

    for page in (f"/undo-address/{second.undo_token}/", f"/new-address/{second.confirm_token}/"):
        for answer in (client.get(page), client.post(page)):
            assert "/preferences/" not in answer.content.decode()
            assert OLD not in answer.content.decode()


@pytest.mark.parametrize("wish", ["9" * 5000, "9" * 19, "-1", "1e3", "٣", ""])
def test_numbers_that_are_none_break_nothing(client: Client, wish: str) -> None:
    row = make_sign_up(expires_at=timezone.now() + timedelta(days=1), created_at=timezone.now())

    response = client.post(f"/confirm/{row.token}/", {"choosing": "1", "wishes": wish})

    assert response.status_code == 400
    assert not Subscription.objects.filter(status="active").exists()
