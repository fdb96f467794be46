"""Measured is only who agreed: a tick of its own, on the form, the link's page and the reader's page."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone, translation

from newsletter.subscribers import measuring
from newsletter.subscribers.models import Change, MeasuringConsent, Newsletter, SignUp, Subscriber
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.signup import sign_up
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription
from tests.subscribers.forms import form, last_sign_up, post_form

pytestmark = pytest.mark.django_db
TICK = re.compile(r'<input type="checkbox" id="[a-z-]+measuring" name="measuring" value="1"( checked)?>')


@pytest.fixture
def newsletter() -> Newsletter:
    return make_newsletter(measures_clicks=True)


def ticks(page: bytes) -> list[bool]:
    """Each tick for measuring on the page, and whether it is set."""
    return [bool(checked) for checked in TICK.findall(page.decode())]


def asked(newsletter: Newsletter) -> SignUp:
    row = sign_up(form=form(newsletter), now=timezone.now())
    assert row
    return row


def test_nothing_is_asked_where_nothing_is_measured(client: Client) -> None:
    newsletter = make_newsletter()
    reader = make_subscription(newsletter=newsletter).subscriber

    assert ticks(client.get("/subscribe/").content) == []
    assert ticks(client.get(f"/confirm/{asked(newsletter).token}/").content) == []
    assert ticks(client.get(f"/preferences/{reader.preferences_token}/").content) == []


def test_every_form_asks_with_a_tick_that_is_not_set(client: Client, newsletter: Newsletter) -> None:
    reader = make_subscription(newsletter=newsletter).subscriber

    assert ticks(client.get("/subscribe/").content) == [False]
    assert ticks(client.get(f"/embed/{newsletter.slug}/").content) == [False]
    assert ticks(client.get(f"/confirm/{asked(newsletter).token}/").content) == [False]
    assert ticks(client.get(f"/preferences/{reader.preferences_token}/").content) == [False]


def test_a_tick_on_the_form_counts_once_its_owner_has_confirmed_it(client: Client, newsletter: Newsletter) -> None:
    post_form(client, newsletter, measuring="1")
    row = last_sign_up()
    url = f"/confirm/{row.token}/"

    before = row.subscriber.allows_measuring
    shown = client.get(url)
    client.post(url, {"choosing": "1", "wishes": [row.subscriptions.get().pk], "measuring": "1"})

    row.subscriber.refresh_from_db()
    proof = MeasuringConsent.objects.get()
    assert (before, row.subscriber.allows_measuring) == (False, True)
    assert ticks(shown.content) == [True]
    assert (proof.action, proof.method, proof.words) == ("given", "confirmed", measuring.words())
    assert proof.words in shown.content.decode()
    assert Change.objects.get().field == "allows_measuring"


def test_a_tick_that_somebody_else_set_is_nothing_when_the_owner_clears_it(
    client: Client, newsletter: Newsletter
) -> None:
    post_form(client, newsletter, measuring="1")
    row = last_sign_up()

    client.post(f"/confirm/{row.token}/", {"choosing": "1", "wishes": [row.subscriptions.get().pk]})

    row.subscriber.refresh_from_db()
    assert row.subscriptions.get().status == "active"
    assert not row.subscriber.allows_measuring
    assert not MeasuringConsent.objects.exists()


def test_a_forged_tick_is_nothing_where_nothing_is_measured(client: Client) -> None:
    newsletter = make_newsletter()
    post_form(client, newsletter, measuring="1")
    row = last_sign_up()

    client.post(f"/confirm/{row.token}/", {"measuring": "1"})

    row.subscriber.refresh_from_db()
    assert not row.asks_measuring
    assert not row.subscriber.allows_measuring


def test_the_readers_page_turns_it_on_and_off_at_once_with_proof(client: Client, newsletter: Newsletter) -> None:
    reader = make_subscription(newsletter=newsletter).subscriber
    url = f"/preferences/{reader.preferences_token}/"
    wanted = {"action": "save", "wanted": [newsletter.slug]}

    allowed = []
    for tick in [{"measuring": "1"}, {"measuring": "1"}, {}]:
        client.post(url, {**wanted, **tick})
        allowed.append(Subscriber.objects.get(pk=reader.pk).allows_measuring)

    proofs = MeasuringConsent.objects.order_by("pk").values_list("action", "method")
    assert allowed == [True, True, False]
    assert list(proofs) == [("given", "preferences"), ("withdrawn", "preferences")]


def test_who_agreed_can_end_it_when_no_newsletter_measures_any_more(client: Client, newsletter: Newsletter) -> None:
    reader = make_subscription(newsletter=newsletter).subscriber
    Subscriber.objects.filter(pk=reader.pk).update(allows_measuring=True)
    Newsletter.objects.update(measures_clicks=False)

    shown = client.get(f"/preferences/{reader.preferences_token}/")

    assert ticks(shown.content) == [True]


def test_the_proof_has_the_words_in_the_readers_language() -> None:
    reader = make_subscriber()

    with translation.override("de"):
        measuring.allow(reader, allows=True, method="preferences", now=NOW)  # type: ignore[arg-type]
        shown = measuring.words()

    assert MeasuringConsent.objects.get().words == shown


def test_erasing_the_person_leaves_a_proof_of_nobody(newsletter: Newsletter) -> None:
    reader = make_subscription(newsletter=newsletter, email="reader@example.org").subscriber
    measuring.allow(reader, allows=True, method="preferences", now=NOW)  # type: ignore[arg-type]

    erase(subscriber=reader, now=NOW)

    proof = MeasuringConsent.objects.get()
    assert proof.subscriber is None
    assert "reader" not in proof.words
