"""What is done to everybody who matches: stated, done part by part in the background, and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.subscribers import bulk_actions, counting
from newsletter.subscribers.admin import asking
from newsletter.subscribers.models import BulkAction, BulkPart, ConsentRecord, Label, Subscriber, Subscription
from newsletter.subscribers.models import Suppression as SuppressedAddress
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
LIST = "admin:subscribers_subscriber_changelist"
SUBSCRIPTIONS = "admin:subscribers_subscription_changelist"
DAY = timedelta(days=1)


def act(desk: Client, action: str, ticked: Any, *, to: str = LIST, query: str = "", **fields: Any) -> Any:
    data = {"action": action, "_selected_action": [ticked.pk], **fields}
    return desk.post(f"{reverse(to)}?{query}", data, follow=True)


def done_to(kind: str, *rows: Any, **values: Any) -> BulkAction:
    """Begun and worked through, at NOW."""
    queryset = type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows])
    kind_ = BulkAction.Kind(kind)
    action = bulk_actions.begin(kind=kind_, rows=queryset, values=values, by=factories.make_editor(), now=NOW)
    assert not bulk_actions.advance(bulk_action_id=action.pk, clock=lambda: NOW)
    action.refresh_from_db()
    return action


def take_back(action: BulkAction) -> None:
    assert action.undo(NOW)
    assert not bulk_actions.advance(bulk_action_id=action.pk, clock=lambda: NOW)
    action.refresh_from_db()
    assert action.status == BulkAction.Status.UNDONE


def test_all_who_match_are_offered_with_their_number_and_only_they_are_meant(desk: Client) -> None:
    mine = [factories.make_subscriber(email=f"mine{number}@example.org") for number in range(3)]
    other = factories.make_subscriber(email="other@example.org")

    asked = act(desk, "label_selected", mine[0], query="q=mine")
    act(desk, "label_selected", mine[0], query="q=mine", asked="1", scope="all", new_label="press",
        newest=str(Subscriber.objects.latest("pk").pk))  # fmt: skip

    assert "All that match the search and the filters: 3 readers" in asked.text
    assert set(Label.objects.get().subscribers.all()) == set(mine)
    assert other not in Label.objects.get().subscribers.all()


def test_page_counts_no_further_than_it_says(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [factories.make_subscriber(email=f"mine{number}@example.org") for number in range(4)]
    monkeypatch.setattr(counting, "MANY", 3)

    asked = act(desk, "label_selected", people[0])
    refused = act(desk, "erase_selected", people[0], asked="1", scope="all", count="4", newest=str(people[-1].pk))

    assert "All that match the search and the filters: more than 3 readers" in asked.text
    assert "more than 3 people cannot be erased at once" in refused.text
    assert Subscriber.objects.count() == 4


def test_who_is_meant_is_looked_up_in_the_background_in_several_turns(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "CHOSEN", 2)
    monkeypatch.setattr(asking, "PATIENCE", -1)
    mine = [factories.make_subscriber(email=f"mine{number}@example.org") for number in range(5)]
    factories.make_subscriber(email="other@example.org")
    newest = str(Subscriber.objects.latest("pk").pk)

    page = act(desk, "suppress_selected", mine[0], query="q=mine", asked="1", scope="all", newest=newest)
    first = BulkAction.objects.get()
    late = factories.make_subscriber(email="mine.too@example.org")
    seen = [(first.status, first.total_count, first.changed_count)]
    while bulk_actions.advance(bulk_action_id=first.pk, clock=lambda: timezone.now() + DAY, seconds=-1):
        first.refresh_from_db()
        seen.append((first.status, first.total_count, first.changed_count))

    first.refresh_from_db()
    assert "Found so far" in page.text
    assert "Nothing has happened to anybody yet" in page.text
    assert seen[:3] == [("choosing", 2, 0), ("choosing", 4, 0), ("running", 5, 0)]
    assert (first.status, first.changed_count, first.criteria) == ("finished", 5, {})
    assert {row.email for row in SuppressedAddress.objects.all()} == {each.email for each in mine}
    assert late.email not in {row.email for row in SuppressedAddress.objects.all()}


def test_looking_up_can_be_stopped_before_anything_happens(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "CHOSEN", 1)
    monkeypatch.setattr(asking, "PATIENCE", -1)
    people = [factories.make_subscriber() for _number in range(3)]
    act(desk, "suppress_selected", people[0], asked="1", scope="all", newest=str(people[-1].pk))
    action = BulkAction.objects.get()

    desk.post(reverse("admin:subscribers_bulkaction_change", args=[action.pk]), {"action": "stop"})
    bulk_actions.advance(bulk_action_id=action.pk, clock=lambda: NOW + DAY)

    action.refresh_from_db()
    assert (action.status, action.criteria) == ("stopped", {})
    assert not SuppressedAddress.objects.exists()


def test_who_signs_up_after_the_question_is_not_meant(desk: Client) -> None:
    first, second = factories.make_subscriber(), factories.make_subscriber()
    asked = act(desk, "suppress_selected", first)
    factories.make_subscriber(email="late@example.org")

    act(desk, "suppress_selected", first, asked="1", scope="all", newest=str(asked.context["selected"].newest))

    assert {row.email for row in SuppressedAddress.objects.all()} == {first.email, second.email}


def test_erasing_all_who_match_needs_their_number(desk: Client) -> None:
    people = [factories.make_subscriber() for _number in range(3)]
    fields = {"asked": "1", "scope": "all", "newest": str(people[-1].pk)}

    refused = act(desk, "erase_selected", people[0], count="1", **fields)
    act(desk, "erase_selected", people[0], count="3", **fields)

    assert "It is 3 now." in refused.text
    assert not Subscriber.objects.exists()


def test_whole_selection_is_exported(desk: Client) -> None:
    people = [factories.make_subscriber() for _number in range(3)]

    response = act(desk, "export_selected", people[0], asked="1", scope="all", newest=str(people[-1].pk))

    assert len(response.getvalue().decode().splitlines()) == 4


def test_large_action_goes_on_in_the_background_and_shows_how_far_it_is(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "PART", 2)
    monkeypatch.setattr(asking, "PATIENCE", 0)
    people = [factories.make_subscriber() for _number in range(5)]

    act(desk, "label_selected", people[0], asked="1", scope="all", new_label="x", newest=str(people[-1].pk))
    action = BulkAction.objects.get()
    begun = (action.status, action.total_count, action.seen_count)
    bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now, seconds=0)
    page = desk.get(reverse("admin:subscribers_bulkaction_change", args=[action.pk]))
    while bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now, seconds=0):
        pass

    action.refresh_from_db()
    assert begun == ("running", 5, 0)  # who is meant was looked up in the first turn
    assert 'http-equiv="refresh"' in page.text
    assert "40 %" in page.text
    assert (action.status, action.changed_count) == ("finished", 5)
    assert Label.objects.get().subscribers.count() == 5


def test_action_is_stopped_and_what_was_done_is_taken_back(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "PART", 1)
    people = [factories.make_subscriber() for _number in range(3)]
    label = Label.objects.create(name="press")
    action = bulk_actions.begin(kind=BulkAction.Kind.LABEL, rows=Subscriber.objects.all(), values={"label": label.pk},
                                by=None, now=timezone.now())  # fmt: skip
    assert bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now, seconds=0)
    page = reverse("admin:subscribers_bulkaction_change", args=[action.pk])

    desk.post(page, {"action": "stop"})
    bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now)
    stopped = label.subscribers.count()
    desk.post(page, {"action": "undo"})
    bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now)

    assert len(people) == 3
    assert stopped == 1
    assert label.subscribers.count() == 0
    assert "Taken back for 1." in desk.get(page).text


def test_taking_labels_back_leaves_those_who_had_it_before() -> None:
    label = Label.objects.create(name="press")
    had, new = factories.make_subscriber(), factories.make_subscriber()
    label.subscribers.add(had)

    take_back(done_to("label", had, new, label=label.pk))
    with_label = list(label.subscribers.all())
    take_back(done_to("unlabel", had, new, label=label.pk))

    assert with_label == list(label.subscribers.all()) == [had]


def test_ended_subscriptions_come_back_as_they_were_with_a_record() -> None:
    newsletter = factories.make_newsletter()
    active = factories.make_subscription(newsletter=newsletter)
    paused = factories.make_subscription(newsletter=newsletter, status="paused")
    pending = factories.make_subscription(newsletter=newsletter, status="pending", confirmed_at=None)

    people = [each.subscriber for each in (active, paused, pending)]
    action = done_to("unsubscribe", *people, newsletter=newsletter.pk)
    ended = set(Subscription.objects.values_list("status", "ended_reason"))
    take_back(action)

    assert ended == {("ended", "editor")}
    assert [Subscription.objects.get(pk=each.pk).status for each in (active, paused, pending)] == [
        "active", "paused", "pending"
    ]  # fmt: skip
    given = ConsentRecord.objects.filter(action="given")
    assert {(row.subscriber_id, row.method) for row in given} == {
        (active.subscriber_id, "editor"), (paused.subscriber_id, "editor")
    }  # fmt: skip
    assert ConsentRecord.objects.filter(action="withdrawn").count() == 2  # the third had agreed to nothing


def test_who_has_left_by_their_own_word_since_does_not_come_back() -> None:
    subscription = factories.make_subscription()
    action = done_to("end", subscription)
    subscription.refresh_from_db()
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.ONE_CLICK, now=NOW)

    take_back(action)

    subscription.refresh_from_db()
    assert (subscription.status, subscription.ended_reason) == ("ended", "one_click")
    assert action.undone_count == 0


def test_suppression_is_taken_back_but_not_that_of_others() -> None:
    before, new = factories.make_subscriber(), factories.make_subscriber()
    suppress(email=before.email, reason=SuppressedAddress.Reason.COMPLAINT, now=NOW)

    action = done_to("suppress", before, new, note="Asked by letter")
    take_back(action)

    assert action.changed_count == 1
    assert [row.email for row in SuppressedAddress.objects.all()] == [before.email]


def test_pauses_are_taken_back_both_ways_until_their_day() -> None:
    active = factories.make_subscription()
    paused = factories.make_subscription(status="paused", paused_until=NOW.date() + 9 * DAY)

    take_back(done_to("pause", active, paused))
    take_back(done_to("resume", active, paused))

    active.refresh_from_db()
    paused.refresh_from_db()
    assert (active.status, active.paused_until) == ("active", None)
    assert (paused.status, paused.paused_until) == ("paused", NOW.date() + 9 * DAY)
    assert {change.by for change in active.subscriber.changes.all()} == {"editor"}


def test_pause_of_the_readers_own_is_not_taken_back() -> None:
    active = factories.make_subscription()
    action = done_to("pause", active)
    Subscription.objects.filter(pk=active.pk).update(paused_until=NOW.date() + 9 * DAY)  # on their own page

    take_back(action)

    active.refresh_from_db()
    assert (active.status, active.paused_until) == ("paused", NOW.date() + 9 * DAY)
    assert action.undone_count == 0


def test_complaint_that_came_meanwhile_stays_on_the_suppression_list() -> None:
    reader = factories.make_subscriber()
    action = done_to("suppress", reader)
    suppress(email=reader.email, reason=SuppressedAddress.Reason.COMPLAINT, now=NOW)

    take_back(action)

    assert [row.reason for row in SuppressedAddress.objects.all()] == ["complaint"]


def test_erasing_cannot_be_taken_back_nor_anything_after_a_day() -> None:
    label = Label.objects.create(name="press")
    erased = done_to("erase", factories.make_subscriber())
    labeled = done_to("label", factories.make_subscriber(), label=label.pk)

    assert not erased.undo(NOW)
    assert not labeled.undo(NOW + DAY + timedelta(seconds=1))
    assert labeled.undo(NOW + DAY)


def test_label_or_reader_that_is_gone_meanwhile_stops_nothing() -> None:
    label = Label.objects.create(name="press")
    people = [factories.make_subscriber() for _number in range(2)]
    action = bulk_actions.begin(kind=BulkAction.Kind.LABEL, rows=Subscriber.objects.all(), values={"label": label.pk},
                                by=None, now=NOW)  # fmt: skip
    people[0].delete()
    first = done_to("label", people[1], label=label.pk)
    label.delete()

    assert not bulk_actions.advance(bulk_action_id=action.pk, clock=lambda: NOW)

    action.refresh_from_db()
    assert (first.changed_count, action.status, action.changed_count) == (1, "finished", 0)


def test_action_whose_worker_is_gone_is_found_and_what_it_kept_is_forgotten() -> None:
    factories.make_subscription()
    kind, rows = BulkAction.Kind.PAUSE, Subscription.objects.all()
    action = bulk_actions.begin(kind=kind, rows=rows, values={}, by=None, now=NOW)
    assert action.claim(NOW)  # by a worker that dies

    early = bulk_actions.abandoned(NOW + timedelta(seconds=30))
    late = bulk_actions.abandoned(NOW + timedelta(seconds=90))
    bulk_actions.advance(bulk_action_id=action.pk, clock=lambda: NOW + timedelta(seconds=90))
    kept = bulk_actions.forget(NOW + DAY)
    forgotten = bulk_actions.forget(NOW + 3 * DAY)

    assert (early, late) == ([], [action.pk])
    assert (kept, forgotten) == (0, 1)
    assert not BulkPart.objects.exists()


def test_bulk_action_is_stopped_only_by_who_may_change_readers(client: Client) -> None:
    action = done_to("label", factories.make_subscriber(), label=Label.objects.create(name="x").pk)
    editor = factories.make_editor()
    editor.is_superuser = False
    editor.save()
    client.force_login(editor)

    response = client.post(reverse("admin:subscribers_bulkaction_change", args=[action.pk]), {"action": "undo"})

    assert response.status_code == 403
