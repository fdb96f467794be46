"""What the preferences page offers of time and format, and what it keeps."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.test import Client

from newsletter.subscribers.models import Change, Newsletter, Subscription
from tests.factories import make_newsletter, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def punctual() -> Newsletter:
    return make_newsletter(offers_delivery_time=True, offered_weekdays=[0, 5, 6], cadences=["daily", "weekly"])


def path_of(subscription: Subscription) -> str:
    return f"/preferences/{subscription.subscriber.preferences_token}/"


def save(client: Client, subscription: Subscription, **fields: Any) -> Any:
    fields.setdefault("wanted", [subscription.newsletter.slug])
    return client.post(path_of(subscription), {"action": "save", **fields})


def test_hour_and_day_are_not_offered_where_they_have_no_effect(client: Client) -> None:
    mine = make_subscription()
    slug = mine.newsletter.slug

    page = client.get(path_of(mine)).content.decode()
    save(client, mine, **{f"hour-{slug}": "7", f"weekday-{slug}": "5"})

    mine.refresh_from_db()
    assert f"hour-{slug}" not in page
    assert f"weekday-{slug}" not in page
    assert (mine.hour, mine.weekday) == (None, None)


def test_hour_and_day_are_kept_and_shown_again(client: Client, punctual: Newsletter) -> None:
    mine = make_subscription(newsletter=punctual)

    save(client, mine, **{f"hour-{punctual.slug}": "0", f"weekday-{punctual.slug}": "6"})
    page = client.get(path_of(mine)).content.decode()

    mine.refresh_from_db()
    assert (mine.hour, mine.weekday) == (0, 6)
    assert '<option value="0" selected>' in page
    assert '<option value="6" selected>Sunday' in page


def test_only_what_the_newsletter_offers_is_shown_and_kept(client: Client) -> None:
    early = make_newsletter(
        offers_delivery_time=True, offered_weekdays=[5, 6], quiet_from=time(9), quiet_until=time(6),
        cadences=["daily", "weekly"],
    )  # fmt: skip
    mine = make_subscription(newsletter=early)

    save(client, mine, **{f"hour-{early.slug}": "9", f"weekday-{early.slug}": "0"})
    page = client.get(path_of(mine)).content.decode()

    mine.refresh_from_db()
    assert (mine.hour, mine.weekday) == (None, None)
    assert page.count('<option value="6">') == 2  # six o'clock and Sunday
    assert '<option value="9">' not in page
    assert ">Monday</option>" not in page


def test_none_means_the_newsletters(client: Client, punctual: Newsletter) -> None:
    mine = make_subscription(newsletter=punctual, hour=7, weekday=2)

    save(client, mine, **{f"hour-{punctual.slug}": "", f"weekday-{punctual.slug}": ""})

    mine.refresh_from_db()
    assert (mine.hour, mine.weekday) == (None, None)


def test_day_is_not_offered_without_a_weekly_issue(client: Client) -> None:
    daily = make_newsletter(offers_delivery_time=True, cadences=["daily"])
    mine = make_subscription(newsletter=daily)

    page = client.get(path_of(mine)).content.decode()

    assert f"hour-{daily.slug}" in page
    assert f"weekday-{daily.slug}" not in page


@pytest.mark.parametrize("odd", ["24", "-1", "7.5", "٧", "1" * 5000, "noon", "\x00"])
def test_odd_hours_and_days_do_no_harm(client: Client, punctual: Newsletter, odd: str) -> None:
    mine = make_subscription(newsletter=punctual)

    response = save(client, mine, **{f"hour-{punctual.slug}": odd, f"weekday-{punctual.slug}": odd})

    mine.refresh_from_db()
    assert response.status_code == 303
    assert (mine.hour, mine.weekday) == (None, None)


def test_format_is_kept_and_told_in_the_timeline(client: Client) -> None:
    mine = make_subscription()

    save(client, mine, format="text")

    mine.subscriber.refresh_from_db()
    change = Change.objects.get(field="format")
    assert mine.subscriber.format == "text"
    assert (change.before, change.after) == ("html", "text")
    assert 'value="text" checked' in client.get(path_of(mine)).content.decode()


@pytest.mark.parametrize("odd", ["", "pdf", "\x00"])
def test_odd_format_is_the_usual_one(client: Client, odd: str) -> None:
    mine = make_subscription()

    save(client, mine, format=odd)

    mine.subscriber.refresh_from_db()
    assert mine.subscriber.format == "html"


def test_pause_can_be_ended_with_one_click(client: Client) -> None:
    mine = make_subscription()
    save(client, mine, paused_until="2999-01-31")
    paused = client.get(path_of(mine)).content.decode()

    response = client.post(path_of(mine), {"action": "resume"}, follow=True)

    mine.refresh_from_db()
    assert "Resume now" in paused
    assert (mine.status, mine.paused_until) == ("active", None)
    assert "The pause is over" in response.content.decode()
    assert "Resume now" not in response.content.decode()


def test_resuming_brings_back_nothing_that_was_left(client: Client) -> None:
    mine = make_subscription()
    client.post(path_of(mine), {"action": "leave_all"})

    client.post(path_of(mine), {"action": "resume"})

    mine.refresh_from_db()
    assert mine.status == "ended"


def test_pause_that_is_over_already_is_none(client: Client) -> None:
    mine = make_subscription()

    save(client, mine, paused_until="2020-01-31")

    mine.refresh_from_db()
    assert mine.status == "active"


def test_own_time_zone_is_offered_even_if_it_is_an_old_name(client: Client) -> None:
    mine = make_subscription()

    save(client, mine, time_zone="US/Pacific")

    assert '<option value="US/Pacific" selected>' in client.get(path_of(mine)).content.decode()
