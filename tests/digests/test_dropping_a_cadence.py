"""An editor cannot take away a cadence that readers have chosen: they would get nothing, or more than they wanted."""

from __future__ import annotations

import pytest
from django.test import Client

from newsletter.digests.desk_forms import NewsletterForm
from newsletter.subscribers.models import ConsentRecord, Newsletter, Subscription
from newsletter.subscribers.signup import confirm, sign_up
from newsletter.subscribers.unsubscribing import undo, unsubscribe
from tests.factories import NOW, make_newsletter, make_subscription
from tests.subscribers.forms import form

pytestmark = pytest.mark.django_db


@pytest.fixture
def newsletter() -> Newsletter:
    return make_newsletter(cadences=["daily", "weekly", "monthly"], default_cadence="daily")


def errors(newsletter: Newsletter, cadences: list[str]) -> list[str]:
    fresh = Newsletter.objects.get(pk=newsletter.pk)
    sent = dict(NewsletterForm(instance=fresh).initial) | {"cadences": cadences, "default_cadence": "daily"}
    sent = {name: value for name, value in sent.items() if value is not None}
    return [str(each) for each in NewsletterForm(sent, instance=fresh).errors.get("cadences", [])]


@pytest.mark.parametrize("status", ["active", "paused"])
def test_cadence_that_readers_have_chosen_stays_with_their_number(newsletter: Newsletter, status: str) -> None:
    for _number in range(2):
        make_subscription(newsletter=newsletter, cadence="weekly", status=status)
    make_subscription(cadence="weekly")

    [told] = errors(newsletter, ["daily", "monthly"])

    assert told.startswith("2 readers get it once a week.")
    assert "Move readers to the usual cadence" in told


def test_rarest_cadence_stays_because_nobody_is_moved_upwards(newsletter: Newsletter) -> None:
    make_subscription(newsletter=newsletter, cadence="monthly")

    [told] = errors(newsletter, ["daily", "weekly"])

    assert told.startswith("1 reader gets it once a month.")
    assert "Move readers" not in told


def test_cadence_that_nobody_has_may_go(newsletter: Newsletter) -> None:
    make_subscription(newsletter=newsletter, cadence="daily")
    make_subscription(newsletter=newsletter, cadence="weekly", status="ended", ended_at=NOW, ended_reason="page")

    assert errors(newsletter, ["daily", "monthly"]) == []


@pytest.mark.parametrize(
    ("left", "gets"), [(["daily", "monthly"], "monthly"), (["immediate", "daily"], "daily"), (["weekly"], "weekly")]
)
def test_wish_for_a_cadence_that_is_gone_by_its_confirmation_gets_the_next_rarer(
    newsletter: Newsletter, left: list[str], gets: str
) -> None:
    row = sign_up(form=form(newsletter, cadence="weekly"), now=NOW)
    assert row
    Newsletter.objects.filter(pk=newsletter.pk).update(cadences=left)

    [subscription] = confirm(sign_up=row, now=NOW)

    subscription.refresh_from_db()
    assert (subscription.status, subscription.cadence) == ("active", gets)


def test_reader_who_comes_back_after_a_slip_gets_the_next_rarer_as_well(newsletter: Newsletter) -> None:
    subscription = make_subscription(newsletter=newsletter, cadence="weekly")
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.PAGE, now=NOW)
    Newsletter.objects.filter(pk=newsletter.pk).update(cadences=["daily", "monthly"])

    fresh = Subscription.objects.get(pk=subscription.pk)
    assert undo(subscription=fresh, now=NOW)

    fresh.refresh_from_db()
    assert fresh.cadence == "monthly"


def test_page_of_preferences_never_picks_something_more_frequent_by_itself(
    client: Client, newsletter: Newsletter
) -> None:
    subscription = make_subscription(newsletter=newsletter, cadence="weekly")
    Newsletter.objects.filter(pk=newsletter.pk).update(cadences=["daily", "monthly"])  # as an older version let it

    path = f"/preferences/{subscription.subscriber.preferences_token}/"
    text = client.get(path).text
    client.post(path, {"action": "save", "wanted": newsletter.slug, f"cadence-{newsletter.slug}": "weekly"})

    subscription.refresh_from_db()
    assert '<option value="monthly" selected>' in text
    assert subscription.cadence == "monthly"
