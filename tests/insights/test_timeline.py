"""A reader's page tells everything that happened, in words, newest first, whatever its length."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from newsletter.delivery.models import Send
from newsletter.engagement.models import Event
from newsletter.insights.entries import Entry, Kind, Position
from newsletter.insights.timeline import page, parse_position
from newsletter.subscribers import changes
from newsletter.subscribers.models import Change, ConsentRecord, SignUp, Subscription, Suppression, WelcomeMail
from newsletter.subscribers.preferences import Choice, Preferences, save_preferences
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests import factories
from tests.factories import NOW
from tests.queries import lazy_loading_forbidden

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
QUERIES_OF_A_PAGE = 12


def a_busy_reader() -> Subscription:
    """Something of every kind, in this order: sign-up, consent, welcome, change, mail, its bounce, suppression."""
    topic = factories.make_topic(name="Harbor")
    subscription = factories.make_subscription(confirmed_at=NOW - 10 * HOUR)
    factories.make_sign_up(
        subscriptions=[subscription], status=SignUp.Status.CONFIRMED, created_at=NOW - 11 * HOUR,
        mailed_at=NOW - 11 * HOUR, confirmed_at=NOW - 10 * HOUR, page_url="https://example.org/box",
    )  # fmt: skip
    factories.make_consent(subscription)
    at = NOW - 10 * HOUR
    WelcomeMail.objects.create(
        subscription=subscription, status="skipped", skipped_reason="refused", response="550 full", created_at=at,
        next_attempt_at=at,
    )  # fmt: skip
    choice = Choice(subscription.newsletter, is_wanted=True, cadence="weekly", topics=(topic.slug,))
    save_preferences(
        subscriber=subscription.subscriber, preferences=Preferences((choice,), name="Ann"), now=NOW - 9 * HOUR
    )
    send = factories.make_send(subscription=subscription, status=Send.Status.SENT, settled_at=NOW - 3 * HOUR)
    Event.objects.create(
        send=send, kind=Event.Kind.BOUNCED, source="mailgun", source_id="1", detail="No such user", at=NOW - 2 * HOUR
    )
    suppress(email=subscription.subscriber.email, reason=Suppression.Reason.HARD_BOUNCE, now=NOW - HOUR)
    return subscription


def titles(subscription: Subscription) -> list[str]:
    return [entry.title for entry in page(subscriber=subscription.subscriber).entries]


def test_timeline_tells_everything_newest_first() -> None:
    subscription = a_busy_reader()

    entries = [entry for entry in page(subscriber=subscription.subscriber).entries if entry.position.kind]

    kinds = [entry.position.kind for entry in entries]
    assert kinds == [Kind.SUPPRESSION, Kind.EVENT, Kind.SEND, Kind.CHANGE, Kind.CHANGE, Kind.CHANGE, Kind.WELCOME,
                     Kind.CONSENT, Kind.SIGN_UP]  # fmt: skip
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)


def test_consent_is_told_with_its_wording_and_how() -> None:
    subscription = factories.make_subscription()
    factories.make_consent(subscription, page_url="https://example.org/box", ip_address="192.0.2.7")

    entry = page(subscriber=subscription.subscriber).entries[-1]

    told = " ".join(entry.details)
    assert "I want the latest news by e-mail." in told
    assert "confirmation link" in told
    assert "https://example.org/box" in told
    assert "192.0.2.7" in told


def test_welcome_is_told_with_its_outcome() -> None:
    subscription = a_busy_reader()

    [entry] = [each for each in page(subscriber=subscription.subscriber).entries if each.position.kind == Kind.WELCOME]

    assert entry.title == f"Did not get the welcome to {subscription.newsletter}"
    assert entry.details == ("reason: refused by the mail server", "the server said: 550 full")


def test_withdrawal_is_told_as_leaving() -> None:
    subscription = factories.make_subscription()
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.ONE_CLICK, now=NOW)

    entry = page(subscriber=subscription.subscriber, size=50).entries

    left = next(each for each in entry if each.position.kind == Kind.CONSENT)
    assert left.title == f"Left {subscription.newsletter}"
    assert "one-click" in left.details[0]


def test_skip_is_told_with_its_reason_in_words() -> None:
    send = factories.make_send(status=Send.Status.SKIPPED, reason=Send.Reason.TOO_FEW, settled_at=NOW + HOUR * 9999)

    assert send.subscriber
    entry = page(subscriber=send.subscriber).entries[0]
    assert entry.title == f"Did not get {send.campaign.issue}"
    assert "reason: fewer articles than the minimum" in entry.details


def test_change_names_what_it_was_from_and_to_but_not_a_name() -> None:
    subscription = a_busy_reader()

    told = {
        entry.title.rpartition(": ")[2]: entry.details
        for entry in page(subscriber=subscription.subscriber).entries
        if entry.position.kind == Kind.CHANGE
    }

    assert told == {
        "cadence": ("from once a day to once a week", "by the reader, by their link"),
        "topics": ("from all topics to Harbor", "by the reader, by their link"),
        "name": ("by the reader, by their link",),
    }
    assert not Change.objects.filter(field="name").exclude(before="", after="").exists()


def test_saving_what_is_so_already_keeps_no_change() -> None:
    subscription = a_busy_reader()
    before = Change.objects.count()

    with changes.recorded(subscription.subscriber, author=changes.READER, now=NOW):
        Subscription.objects.filter(pk=subscription.pk).update(cadence="weekly")

    assert Change.objects.count() == before


def test_changes_go_with_the_person() -> None:
    subscription = a_busy_reader()

    erase(subscriber=subscription.subscriber, now=NOW)

    assert not Change.objects.exists()


def test_report_about_the_address_alone_is_told() -> None:
    subscription = factories.make_subscription()
    Event.objects.create(
        kind=Event.Kind.COMPLAINED, source="postmark", source_id="2", at=NOW + HOUR * 9999,
        address_hash=subscription.subscriber.address_hash,
    )  # fmt: skip

    assert titles(subscription)[0] == "Complained"


def test_paging_tells_everything_once_also_within_one_moment() -> None:
    subscription = a_busy_reader()
    for _number in range(7):
        factories.make_send(subscription=subscription, status=Send.Status.SENT, settled_at=NOW - 3 * HOUR)
        factories.make_consent(subscription, at=NOW - 3 * HOUR)
    everything = page(subscriber=subscription.subscriber, size=100).entries

    found: list[Entry] = []
    before: Position | None = None
    while True:
        part = page(subscriber=subscription.subscriber, before=before, size=2)
        found += part.entries
        if part.older is None:
            break
        before = parse_position(part.older.text)

    assert found == list(everything)
    assert len({entry.position for entry in found}) == len(found) == 24


@pytest.mark.parametrize("text", ["", "x", "2026-01-01~9~1", "2026-01-01T00:00:00Z~1", "~~", "9999-99-99~1~1"])
def test_position_that_is_none_is_the_beginning(text: str) -> None:
    assert parse_position(text) is None


def test_page_costs_the_same_queries_however_much_happened() -> None:
    subscription = a_busy_reader()
    with CaptureQueriesContext(connection) as few:
        page(subscriber=subscription.subscriber)
    for _number in range(30):
        send = factories.make_send(subscription=subscription, status=Send.Status.SENT, settled_at=NOW)
        Event.objects.create(send=send, kind=Event.Kind.DELIVERED, source="s", source_id=str(send.pk), at=NOW)
        factories.make_sign_up(subscriptions=[subscription])

    with CaptureQueriesContext(connection) as many, lazy_loading_forbidden():
        page(subscriber=subscription.subscriber)

    assert len(many) == len(few) <= QUERIES_OF_A_PAGE


def test_readers_page_begins_with_what_happened(client: Client) -> None:
    client.force_login(factories.make_editor())
    subscription = a_busy_reader()

    text = client.get(reverse("admin:subscribers_subscriber_change", args=[subscription.subscriber.pk])).text

    assert "Bounced: " in text
    assert reverse("desk:why", args=[subscription.subscriber.pk]) in text


def test_whole_timeline_is_paged_by_links(client: Client) -> None:
    client.force_login(factories.make_editor())
    subscription = factories.make_subscription()
    for number in range(45):
        factories.make_consent(subscription, at=NOW - number * HOUR)
    address = reverse("desk:timeline", args=[subscription.subscriber.pk])

    first = client.get(address)
    second = client.get(address, {"before": first.context["page"].older.text})

    assert len(first.context["page"].entries) == 40
    assert first.context["page"].older.text in first.text.replace("%3A", ":").replace("%7E", "~")
    assert len(second.context["page"].entries) == 6
    assert second.context["page"].older is None


@pytest.mark.parametrize("name", ["timeline", "issues", "why"])
def test_timeline_is_for_editors_only(client: Client, name: str) -> None:
    subscriber = factories.make_subscriber()
    address = reverse(f"desk:{name}", args=[subscriber.pk])
    editor = factories.make_editor()
    editor.is_superuser = False
    editor.is_staff = True
    editor.save()

    stranger = client.get(address)
    client.force_login(editor)
    without_rights = client.get(address)

    assert "/admin/login/" in stranger.headers.get("Location", "")
    assert without_rights.status_code == 403
    assert client.post(address).status_code in {403, 405}
