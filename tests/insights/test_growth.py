"""Growth is counted from the records, by days of the site's time zone, and stored for the page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from newsletter.insights import growth
from newsletter.insights.growth import Step, figures, recount
from newsletter.subscribers.models import ConsentRecord, Newsletter, Suppression
from newsletter.subscribers.selections import DEEDS, Order
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def total(newsletter: Newsletter) -> tuple[int, int, int, int]:
    found = next(each for each in figures(step=Step.DAY, now=NOW) if each.newsletter == newsletter)
    return found.total.joined, found.total.left, found.total.bounced, found.total.net


def test_joined_left_and_bounced_are_counted_each_for_its_newsletter() -> None:
    first = factories.make_subscription()
    others = [factories.make_subscription(newsletter=first.newsletter) for _number in range(3)]
    elsewhere = factories.make_subscription()
    for each in (first, *others, elsewhere):
        factories.make_consent(each, at=NOW - 3 * DAY)
    unsubscribe(subscription=others[0], method=ConsentRecord.Method.PAGE, now=NOW - 2 * DAY)
    suppress(email=others[1].subscriber.email, reason=Suppression.Reason.HARD_BOUNCE, now=NOW - DAY)
    suppress(email=others[2].subscriber.email, reason=Suppression.Reason.BY_HAND, now=NOW - DAY)

    recount(now=NOW)

    assert total(first.newsletter) == (4, 1, 1, 2)
    assert total(elsewhere.newsletter) == (1, 0, 0, 1)


def test_wish_that_nobody_confirmed_has_not_left() -> None:
    wish = factories.make_subscription(status="pending", confirmed_at=None)
    by_desk = factories.make_subscription(newsletter=wish.newsletter, status="pending", confirmed_at=None)
    unsubscribe(subscription=wish, method=ConsentRecord.Method.PAGE, now=NOW)
    order = Order(values={}, editor_id=None, at=NOW)

    DEEDS["end"].apply([by_desk.pk], order)
    recount(now=NOW)

    by_desk.refresh_from_db()
    assert by_desk.status == "ended"
    assert total(wish.newsletter) == (0, 0, 0, 0)


def test_day_is_one_of_the_sites_time_zone(settings: object) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"  # type: ignore[attr-defined]
    subscription = factories.make_subscription()
    factories.make_consent(subscription, at=NOW.replace(day=20, hour=16))  # the 21st in Tokyo

    recount(now=NOW)

    days = {period.first.day: period.joined for period in figures(step=Step.DAY, now=NOW)[0].periods if period.joined}
    assert days == {21: 1}


def test_weeks_add_up_to_the_days() -> None:
    subscription = factories.make_subscription()
    for number in range(30):
        factories.make_consent(subscription, at=NOW - number * DAY)
    recount(now=NOW)

    by_day, by_week = (figures(step=step, now=NOW)[0] for step in (Step.DAY, Step.WEEK))

    assert by_day.total.joined == by_week.total.joined == 30
    assert sum(period.joined for period in by_week.periods) == 30
    assert all(period.first.weekday() == 0 for period in by_week.periods)
    assert len(by_day.periods) == growth.DAYS + 1


def test_figures_are_counted_anew_when_they_are_old_and_not_before() -> None:
    subscription = factories.make_subscription()
    recount(now=NOW)
    factories.make_consent(subscription, at=NOW)

    too_soon = recount(now=NOW + timedelta(minutes=1))
    later = recount(now=NOW + timedelta(minutes=6))

    assert (too_soon, later) == (False, True)
    assert total(subscription.newsletter)[0] == 1


def test_import_with_old_dates_shows_within_a_day() -> None:
    subscription = factories.make_subscription()
    recount(now=NOW)
    factories.make_consent(subscription, at=NOW - 60 * DAY)

    recount(now=NOW + timedelta(minutes=6))
    lately = total(subscription.newsletter)[0]
    recount(now=NOW + DAY)

    assert lately == 0
    assert total(subscription.newsletter)[0] == 1


def test_page_shows_a_chart_and_every_figure_in_a_table(client: Client) -> None:
    client.force_login(factories.make_editor())
    subscription = factories.make_subscription()
    factories.make_consent(subscription, at=NOW)
    recount(now=NOW)

    with CaptureQueriesContext(connection) as queries:
        by_day = client.get(reverse("desk:growth"), {"by": "day"})

    assert 'role="img"' in by_day.text
    assert by_day["Content-Security-Policy"] == client.get(reverse("admin:index"))["Content-Security-Policy"]
    assert "What is counted" in by_day.text
    assert len(queries) <= 8
    assert client.get(reverse("desk:growth")).context["step"] == Step.WEEK


def test_page_says_that_nobody_has_counted_yet(client: Client) -> None:
    client.force_login(factories.make_editor())
    factories.make_newsletter()

    assert "Not counted yet" in client.get(reverse("desk:growth")).text
