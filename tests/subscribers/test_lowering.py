"""A rarer default moves nobody upwards, and whoever it moves can keep what they had."""

from __future__ import annotations

from datetime import date

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.subscribers import bulk_actions, changes, personal_mail, upkeep
from newsletter.subscribers.models import BulkAction, Newsletter, PersonalMail, Subscription
from newsletter.subscribers.selections import DEEDS, Order
from tests.factories import make_editor, make_newsletter, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def newsletter() -> Newsletter:
    return make_newsletter(cadences=["immediate", "daily", "weekly"], default_cadence="daily")


def cadences() -> list[str]:
    return list(Subscription.objects.order_by("pk").values_list("cadence", flat=True))


def lower(client: Client, newsletter: Newsletter) -> BulkAction:
    client.force_login(make_editor())
    url = reverse("admin:subscribers_newsletter_lower_readers", args=[newsletter.pk])
    asked = client.get(url).content.decode()
    assert "1 reader gets it more often" in asked
    client.post(url)
    action = BulkAction.objects.get()
    bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now)
    client.logout()
    return action


def test_only_those_who_get_it_more_often_are_moved_and_each_is_told(client: Client, newsletter: Newsletter) -> None:
    for cadence in ("immediate", "daily", "weekly"):
        make_subscription(newsletter=newsletter, cadence=cadence)

    lower(client, newsletter)
    row = PersonalMail.objects.get()
    personal_mail.deliver(mail_id=row.pk, now=timezone.now())

    assert cadences() == ["daily", "daily", "weekly"]
    [message] = mail.outbox
    assert "once a day instead of with every article" in message.body
    assert "/unsubscribe/" in message.extra_headers["List-Unsubscribe"]
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_click_keeps_every_article(client: Client, newsletter: Newsletter) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    lower(client, newsletter)
    path = f"/preferences/{mine.subscriber.preferences_token}/"
    page = client.get(path).content.decode()
    before = cadences()

    after_click = client.post(path, {"action": "keep"}, follow=True).content.decode()

    assert "now comes once a day. Before it came with every article." in page
    assert (before, cadences()) == (["daily"], ["immediate"])
    assert "Before it came" not in after_click


def test_changing_the_default_alone_moves_nobody(newsletter: Newsletter) -> None:
    make_subscription(newsletter=newsletter, cadence="immediate")

    newsletter.default_cadence = "weekly"
    newsletter.save()

    assert cadences() == ["immediate"]


def test_editor_takes_it_back_for_those_who_did_not_choose_since(client: Client, newsletter: Newsletter) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    action = lower(client, newsletter)

    action.refresh_from_db()
    action.undo(timezone.now())
    bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now)
    personal_mail.deliver(mail_id=PersonalMail.objects.get().pk, now=timezone.now())

    mine.refresh_from_db()
    assert mine.cadence == "immediate"
    assert mail.outbox == []
    assert PersonalMail.objects.get().skipped_reason == PersonalMail.Reason.NOTHING


def test_editor_does_not_take_back_what_a_reader_chose_since(client: Client, newsletter: Newsletter) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    action = lower(client, newsletter)
    path = f"/preferences/{mine.subscriber.preferences_token}/"
    for cadence in ("weekly", "daily"):
        choice = {"action": "save", "wanted": newsletter.slug, f"cadence-{newsletter.slug}": cadence}
        client.post(path, choice)

    action.refresh_from_db()
    action.undo(timezone.now())
    bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now)

    assert cadences() == ["daily"]


def test_cadence_that_is_offered_no_longer_comes_back_by_nobodys_click(client: Client, newsletter: Newsletter) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    action = lower(client, newsletter)
    newsletter.cadences = ["daily", "weekly"]
    newsletter.save()
    path = f"/preferences/{mine.subscriber.preferences_token}/"

    personal_mail.deliver(mail_id=PersonalMail.objects.get().pk, now=timezone.now())
    page = client.get(path).content.decode()
    client.post(path, {"action": "keep"})
    action.refresh_from_db()
    action.undo(timezone.now())
    bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now)

    [message] = mail.outbox
    assert "once a day instead of with every article" in message.body
    assert "#keep" not in message.body
    assert path in message.body
    assert 'value="keep"' not in page
    assert cadences() == ["daily"]


def test_who_is_lowered_twice_can_have_what_they_had_first(client: Client, newsletter: Newsletter) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    lower(client, newsletter)
    BulkAction.objects.all().delete()
    newsletter.default_cadence = "weekly"
    newsletter.save()
    lower(client, newsletter)

    client.post(f"/preferences/{mine.subscriber.preferences_token}/", {"action": "keep"})

    assert cadences() == ["immediate"]


@pytest.mark.parametrize("ends", ["by the clock", "at the desk"])
def test_reader_who_pauses_is_told_when_the_pause_ends(client: Client, newsletter: Newsletter, ends: str) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    mine.pause(until=date(2026, 11, 1))
    action = lower(client, newsletter)
    at_once = PersonalMail.objects.count()

    if ends == "by the clock":
        upkeep.clean_up(timezone.now())
    else:
        DEEDS["resume"].apply([mine.pk], Order(values={}, editor_id=None, at=timezone.now()))

    [row] = PersonalMail.objects.all()
    personal_mail.deliver(mail_id=row.pk, now=timezone.now())
    mine.refresh_from_db()
    action.refresh_from_db()
    assert (at_once, action.changed_count, mine.status) == (0, 1, "active")
    assert "once a day instead of with every article" in mail.outbox[0].body


def test_second_pause_tells_nothing_twice(client: Client, newsletter: Newsletter) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    other = make_subscription(newsletter=newsletter, cadence="weekly")
    other.pause(until=date(2026, 11, 1))
    mine.pause(until=date(2026, 11, 1))
    lower(client, newsletter)
    upkeep.clean_up(timezone.now())
    mine.pause(until=date(2026, 11, 1))

    ended = upkeep.clean_up(timezone.now())

    assert ended == {"pauses_ended": 1}
    assert PersonalMail.objects.get().subscriber == mine.subscriber


def test_reader_who_was_told_before_they_paused_is_not_told_again(client: Client, newsletter: Newsletter) -> None:
    mine = make_subscription(newsletter=newsletter, cadence="immediate")
    lower(client, newsletter)
    with changes.recorded(mine.subscriber, author=changes.READER, now=timezone.now()):
        mine.pause(until=date(2026, 11, 1))

    upkeep.clean_up(timezone.now())

    assert PersonalMail.objects.count() == 1


def test_desk_says_when_who_pauses_is_told(client: Client, newsletter: Newsletter) -> None:
    client.force_login(make_editor())

    text = client.get(reverse("admin:subscribers_newsletter_lower_readers", args=[newsletter.pk])).text

    assert "who pauses gets it when the pause ends" in text
