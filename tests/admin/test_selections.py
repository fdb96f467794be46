"""What the desk does to several readers at once: it asks first, and does it by POST."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from newsletter.subscribers.models import ConsentRecord, Label, Subscriber, Subscription, Suppression
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "admin:subscribers_subscriber_changelist"


def act(desk: Client, action: str, *people: Subscriber, **fields: Any) -> Any:
    data = {"action": action, "_selected_action": [person.pk for person in people], **fields}
    return desk.post(reverse(LIST), data, follow=True)


@pytest.mark.parametrize(
    "action", ["label_selected", "unlabel_selected", "unsubscribe_selected", "suppress_selected", "export_selected",
               "erase_selected"],
)  # fmt: skip
def test_every_action_asks_before_it_does_anything(desk: Client, action: str) -> None:
    subscription = factories.make_subscription(email="first@example.org")

    response = act(desk, action, subscription.subscriber)

    assert "Selected: 1 reader" in response.text
    assert "first@example.org" in response.text
    assert Subscription.objects.get().status == Subscription.Status.ACTIVE
    assert not Suppression.objects.exists()


def test_readers_are_labeled_with_a_new_label_once(desk: Client) -> None:
    people = [factories.make_subscriber() for _number in range(3)]
    people[0].labels.add(Label.objects.create(name="press"))

    response = act(desk, "label_selected", *people, asked="1", new_label="press")

    assert Label.objects.get().subscribers.count() == 3
    assert "Done for 2 readers. Nothing to do for 1." in response.text


def test_label_is_taken_off(desk: Client) -> None:
    label = Label.objects.create(name="press")
    person, other = factories.make_subscriber(), factories.make_subscriber()
    label.subscribers.add(person, other)

    act(desk, "unlabel_selected", person, asked="1", label=label.pk)

    assert list(label.subscribers.all()) == [other]


def test_label_must_be_named(desk: Client) -> None:
    response = act(desk, "label_selected", factories.make_subscriber(), asked="1")

    assert "Choose a label" in response.text


def test_list_is_filtered_by_label(desk: Client) -> None:
    label = Label.objects.create(name="press")
    label.subscribers.add(factories.make_subscriber(email="press@example.org"))
    factories.make_subscriber(email="other@example.org")

    text = desk.get(reverse(LIST), {"labels__id__exact": label.pk}).text

    assert "press@example.org" in text
    assert "other@example.org" not in text


def test_readers_are_unsubscribed_from_one_newsletter_with_a_record(desk: Client) -> None:
    first = factories.make_subscription()
    second = factories.make_subscription(subscriber=first.subscriber)

    act(desk, "unsubscribe_selected", first.subscriber, asked="1", newsletter=first.newsletter.pk)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("ended", "active")
    assert ConsentRecord.objects.get().method == ConsentRecord.Method.EDITOR


def test_readers_are_suppressed_with_a_note(desk: Client) -> None:
    person = factories.make_subscriber()

    act(desk, "suppress_selected", person, asked="1", note="Asked by letter")

    row = Suppression.objects.get()
    assert (row.email, row.reason, row.note) == (person.email, "by_hand", "Asked by letter")


def test_selection_is_exported_safe_for_spreadsheets(desk: Client) -> None:
    subscription = factories.make_subscription(
        subscriber=factories.make_subscriber(email="first@example.org", name="=1+1")
    )

    response = act(desk, "export_selected", subscription.subscriber, asked="1")

    header, row = response.getvalue().decode().splitlines()
    assert header.startswith("email,name,")
    assert row.startswith("first@example.org,'=1+1,")
    assert f"{subscription.newsletter.slug} (active)" in row
    assert "attachment" in response["Content-Disposition"]


@pytest.mark.parametrize(("typed", "left"), [("2", 0), ("1", 2), ("", 2), ("22", 2)])
def test_people_are_erased_only_if_their_number_is_typed(desk: Client, typed: str, left: int) -> None:
    people = [factories.make_subscriber(), factories.make_subscriber()]

    act(desk, "erase_selected", *people, asked="1", count=typed)

    assert Subscriber.objects.count() == left
    assert Suppression.objects.filter(reason="erased").count() == 2 - left


def test_what_an_editor_changes_is_kept_with_their_name(desk: Client) -> None:
    subscription = factories.make_subscription(status="active")

    data = {"action": "pause_selected", "_selected_action": [subscription.pk], "asked": "1"}
    desk.post(reverse("admin:subscribers_subscription_changelist"), data)

    change = subscription.subscriber.changes.get(field="status")
    assert (change.by, change.before, change.after) == ("editor", "active", "paused")
    assert change.editor is not None


def test_erased_address_is_found_on_the_suppression_list(desk: Client) -> None:
    person = factories.make_subscriber(email="gone@example.org")
    act(desk, "erase_selected", person, asked="1", count="1")
    Suppression.objects.create(email="other@example.org")
    address = reverse("admin:subscribers_suppression_changelist")

    found = desk.get(address, {"q": "Gone@Example.org"}).text
    by_beginning = desk.get(address, {"q": "oth"}).text

    assert "erased person" in found
    assert "other@example.org" not in found
    assert "other@example.org" in by_beginning


def test_suppression_list_leads_to_its_import_and_export(desk: Client) -> None:
    Suppression.objects.create(email="gone@example.org", note="Asked by letter")
    address = reverse("admin:subscribers_suppression_changelist")

    text = desk.get(address).text
    file = desk.get(reverse("admin:subscribers_suppression_export_list"), follow=True)
    upload = desk.get(reverse("admin:subscribers_suppression_import_list"), follow=True)

    assert "Export as CSV" in text
    assert "Import a list" in text
    assert "gone@example.org,by_hand,Asked by letter" in file.getvalue().decode()
    assert upload.context["form"].fields["file"]
