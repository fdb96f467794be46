"""Moving to another address: confirmed at the new one, told to the old one, undone from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter.lib.addresses import address_hash
from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import (
    AddressChange,
    Change,
    ConsentRecord,
    Newsletter,
    PersonalMail,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.self_service import changing_address
from newsletter.subscribers.self_service.changing_address import Outcome, ask, make, undo
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_consent, make_newsletter, make_subscriber, make_subscription
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import link_in

pytestmark = pytest.mark.django_db
Status = Subscription.Status
OLD, NEW = "old@example.org", "new@example.net"


@pytest.fixture
def reader() -> Subscriber:
    subscription = make_subscription(email=OLD)
    make_consent(subscription)
    return subscription.subscriber


def asked(reader: Subscriber, email: str = NEW) -> AddressChange:
    assert ask(subscriber=reader, new_email=email, now=NOW)
    return AddressChange.objects.order_by("-pk")[0]


def made(reader: Subscriber, email: str = NEW) -> AddressChange:
    change = asked(reader, email)
    assert make(change=change, now=NOW)[0] == Outcome.DONE
    return change


def make_ended(subscriber: Subscriber, newsletter: Newsletter) -> Subscription:
    return make_subscription(
        subscriber=subscriber, newsletter=newsletter, status=Status.ENDED, ended_at=NOW, ended_reason="page"
    )


def deliver_all() -> None:
    for mail_id in personal_mail.owed(NOW + timedelta(minutes=1)):
        personal_mail.deliver(mail_id=mail_id, now=NOW + timedelta(minutes=1))


def address_of(reader: Subscriber) -> str:
    return Subscriber.objects.get(pk=reader.pk).email


def test_whole_way_from_the_page_to_the_undo(reader: Subscriber, smtp_mailers: SmtpServer, client: Client) -> None:
    page = f"/preferences/{reader.preferences_token}/address/"

    response = client.post(page, {"email": NEW}, follow=True)
    row = PersonalMail.objects.get()
    personal_mail.deliver(mail_id=row.pk, now=row.created_at)
    confirm = link_in(smtp_mailers.messages[0], "new-address")
    client.get(confirm)
    before = address_of(reader)
    client.post(confirm)
    after = address_of(reader)
    notice = PersonalMail.objects.get(kind="address_changed")
    personal_mail.deliver(mail_id=notice.pk, now=notice.created_at)
    back = link_in(smtp_mailers.messages[1], "undo-address")
    client.get(back)
    still = address_of(reader)
    undone = client.post(back)

    assert "Look into your new inbox" in response.content.decode()
    assert [message.recipients for message in smtp_mailers.messages] == [(NEW,), (OLD,)]
    assert (before, after, still, address_of(reader)) == (OLD, NEW, NEW, OLD)
    assert "It is undone" in undone.content.decode()
    assert "no-store" in undone["Cache-Control"]


def test_mail_to_the_new_address_does_not_name_the_old_one(reader: Subscriber, smtp_mailers: SmtpServer) -> None:
    asked(reader)
    deliver_all()

    source = smtp_mailers.messages[0].content.decode()
    assert OLD not in source
    assert "old@" not in source


def test_notice_shows_the_new_address_only_in_part(reader: Subscriber, smtp_mailers: SmtpServer) -> None:
    made(reader)
    deliver_all()

    body = smtp_mailers.messages[-1].parsed.get_body(("plain",))
    assert body
    assert "n…@example.net" in body.get_content()
    assert NEW not in body.get_content()


def test_nothing_changes_until_the_new_address_confirms(reader: Subscriber) -> None:
    asked(reader)

    assert address_of(reader) == OLD
    assert not Subscriber.objects.filter(email=NEW).exists()


def test_subscriptions_consents_and_links_come_along(reader: Subscriber, client: Client) -> None:
    subscription = reader.subscriptions.get()
    page, leave = f"/preferences/{reader.preferences_token}/", f"/unsubscribe/{subscription.unsubscribe_token}/"

    made(reader)

    record = ConsentRecord.objects.get()
    assert (record.subscriber, record.address_hash) == (reader, address_hash(OLD))
    assert NEW in client.get(page).content.decode()
    client.post(leave, {"List-Unsubscribe": "One-Click"})
    subscription.refresh_from_db()
    assert subscription.status == Status.ENDED


def test_change_is_in_the_timeline_without_the_addresses(reader: Subscriber) -> None:
    made(reader)

    change = Change.objects.get()
    assert (change.field, change.before, change.after, change.by) == ("email", "", "", "reader")


def test_answer_is_the_same_whoever_has_the_new_address(client: Client) -> None:
    make_subscription(email="known@example.org")
    suppress(email="gone@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)
    answers = []

    for email in ("known@example.org", "gone@example.org", "unknown@example.org"):
        mover = make_subscription().subscriber
        response = client.post(f"/preferences/{mover.preferences_token}/address/", {"email": email})
        answers.append((response.status_code, response["Location"].replace(mover.preferences_token, "")))

    assert answers == [answers[0]] * 3


def test_suppressed_address_is_never_mailed(reader: Subscriber, smtp_mailers: SmtpServer) -> None:
    suppress(email=NEW, reason=Suppression.Reason.COMPLAINT, now=NOW)

    change = asked(reader)
    deliver_all()

    assert PersonalMail.objects.get().skipped_reason == "suppressed"
    assert not smtp_mailers.messages
    assert make(change=change, now=NOW) == (Outcome.SUPPRESSED, None)
    assert address_of(reader) == OLD


def test_living_reader_at_the_new_address_is_left_alone(reader: Subscriber, client: Client) -> None:
    other = make_subscription(email=NEW)
    asked(reader)
    AddressChange.objects.update(expires_at=timezone.now() + timedelta(days=1))

    response = client.post(f"/new-address/{AddressChange.objects.get().confirm_token}/")

    assert response.status_code == 409
    assert f"/preferences/{other.subscriber.preferences_token}/" in response.content.decode()
    assert (address_of(reader), address_of(other.subscriber)) == (OLD, NEW)


def test_forgotten_row_at_the_new_address_gives_way_and_what_it_left_stays_left(
    reader: Subscriber, client: Client
) -> None:
    mine = reader.subscriptions.get()
    holder = make_subscriber(email="NEW@example.net")
    elsewhere = make_ended(holder, make_newsletter())
    same = make_ended(holder, mine.newsletter)

    made(reader)

    assert not Subscriber.objects.filter(pk=holder.pk).exists()
    assert {(each.pk, each.status) for each in reader.subscriptions.all()} == {
        (mine.pk, Status.ACTIVE),
        (elsewhere.pk, Status.ENDED),
    }
    assert client.get(f"/unsubscribe/{same.unsubscribe_token}/").status_code == 200


def test_another_spelling_of_the_same_address_may_be_chosen(reader: Subscriber) -> None:
    made(reader, "Old@example.org")

    assert address_of(reader) == "Old@example.org"


def test_own_address_needs_no_mail(reader: Subscriber) -> None:
    assert ask(subscriber=reader, new_email=OLD, now=NOW) is None


def test_fourth_wish_of_a_day_mails_nobody(reader: Subscriber) -> None:
    for number in range(changing_address.MOST_A_DAY):
        asked(reader, f"victim{number}@example.org")

    assert ask(subscriber=reader, new_email="victim9@example.org", now=NOW) is None
    assert ask(subscriber=reader, new_email="victim9@example.org", now=NOW + timedelta(days=1, seconds=1))


def test_victim_gets_one_such_mail_a_day_whoever_asks(smtp_mailers: SmtpServer) -> None:
    for _ in range(3):
        asked(make_subscriber(), "victim@example.org")
    deliver_all()

    assert len(smtp_mailers.messages) == 1


def test_later_wish_replaces_the_earlier_one(reader: Subscriber) -> None:
    first, second = asked(reader, "first@example.org"), asked(reader, "second@example.org")
    first.refresh_from_db()

    assert make(change=first, now=NOW) == (Outcome.TOO_LATE, None)
    assert make(change=second, now=NOW)[0] == Outcome.DONE


def test_link_that_expired_changes_nothing(reader: Subscriber, client: Client) -> None:
    change = asked(reader)

    outcome, _owed = make(change=change, now=NOW + timedelta(days=8))

    assert outcome == Outcome.TOO_LATE
    assert address_of(reader) == OLD


def test_confirming_twice_is_harmless(reader: Subscriber, client: Client) -> None:
    change = asked(reader)
    change.expires_at = NOW + timedelta(days=36_500)
    change.save()
    path = f"/new-address/{change.confirm_token}/"

    answers = [
        client.post(path).content.decode(),
        client.post(path).content.decode(),
        client.get(path).content.decode(),
    ]

    assert all("Your address has changed" in answer for answer in answers)
    assert PersonalMail.objects.filter(kind="address_changed").count() == 1


def test_undo_works_for_seven_days(reader: Subscriber) -> None:
    change = made(reader)

    assert undo(change=change, now=NOW + timedelta(days=7)) == Outcome.TOO_LATE
    assert undo(change=change, now=NOW + timedelta(days=6, hours=23)) == Outcome.DONE
    assert address_of(reader) == OLD


def test_undo_revokes_the_links_that_the_thief_had(reader: Subscriber, client: Client) -> None:
    page, leave = reader.preferences_token, reader.subscriptions.get().unsubscribe_token

    undo(change=made(reader), now=NOW)

    assert client.get(f"/preferences/{page}/").status_code == 404
    assert client.get(f"/unsubscribe/{leave}/").status_code == 200
    assert client.get(f"/preferences/{Subscriber.objects.get(pk=reader.pk).preferences_token}/").status_code == 200


def test_thief_who_moves_on_once_more_is_undone_all_the_same(reader: Subscriber) -> None:
    first = made(reader)
    reader.refresh_from_db()
    second = made(reader, "third@example.org")
    waiting = asked(reader, "fourth@example.org")

    outcome = undo(change=first, now=NOW)

    second.refresh_from_db()
    waiting.refresh_from_db()
    assert outcome == Outcome.DONE
    assert address_of(reader) == OLD
    assert (second.status, waiting.status) == (AddressChange.Status.UNDONE, AddressChange.Status.DROPPED)
    assert undo(change=second, now=NOW) == Outcome.TOO_LATE  # it stands in the thief's mailbox
    assert address_of(reader) == OLD


def test_undo_gives_way_to_somebody_who_has_the_old_address_by_now(reader: Subscriber) -> None:
    change = made(reader)
    make_subscription(email=OLD)

    assert undo(change=change, now=NOW) == Outcome.TAKEN
    assert address_of(reader) == NEW


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_a_link_changes_nothing(reader: Subscriber, client: Client, method: str) -> None:
    change = asked(reader)
    AddressChange.objects.update(expires_at=NOW + timedelta(days=36_500))

    getattr(client, method)(f"/new-address/{change.confirm_token}/")
    confirmed = address_of(reader)
    make(change=change, now=NOW)
    getattr(client, method)(f"/undo-address/{change.undo_token}/")

    assert (confirmed, address_of(reader)) == (OLD, NEW)


@pytest.mark.parametrize("path", ["new-address", "undo-address"])
def test_links_of_somebody_erased_are_friendly(reader: Subscriber, client: Client, path: str) -> None:
    change = asked(reader)
    tokens = {"new-address": change.confirm_token, "undo-address": change.undo_token}
    reader.delete()

    response = client.post(f"/{path}/{tokens[path]}/")

    assert response.status_code == 200
    assert "nothing from us" in response.content.decode()


def test_address_with_a_mistake_is_said_at_once(reader: Subscriber, client: Client) -> None:
    response = client.post(f"/preferences/{reader.preferences_token}/address/", {"email": "new@"})

    assert response.status_code == 400
    assert not AddressChange.objects.exists()


def test_own_address_and_a_fourth_wish_are_said_on_the_page(reader: Subscriber, client: Client) -> None:
    path = f"/preferences/{reader.preferences_token}/address/"

    own = client.post(path, {"email": OLD})
    for number in range(changing_address.MOST_A_DAY):
        assert client.post(path, {"email": f"new{number}@example.org"}).status_code == 303
    fourth = client.post(path, {"email": NEW})

    assert (own.status_code, fourth.status_code) == (400, 400)
    assert "This is your address already" in own.content.decode()
    assert "tomorrow" in fourth.content.decode()


def test_throw_away_address_is_refused_as_at_sign_up(reader: Subscriber, client: Client, settings: Settings) -> None:
    settings.DISPOSABLE_ADDRESSES = "refuse"
    path = f"/preferences/{reader.preferences_token}/address/"

    refused = client.post(path, {"email": "me@mailinator.com"})
    settings.DISPOSABLE_ADDRESSES = "ignore"
    ignored = client.post(path, {"email": "me@mailinator.com"})

    assert (refused.status_code, ignored.status_code) == (400, 303)
    assert not AddressChange.objects.exists()


def test_address_that_was_never_confirmed_is_forgotten(reader: Subscriber) -> None:
    change = asked(reader)

    kept = personal_mail.forget_old(change.expires_at + timedelta(days=29))
    forgotten = personal_mail.forget_old(change.expires_at + timedelta(days=31))

    assert (kept, bool(forgotten)) == (0, True)
    assert not AddressChange.objects.exists()
    assert not PersonalMail.objects.exists()


def test_change_that_was_made_is_kept_for_the_erasure_of_the_old_address(reader: Subscriber) -> None:
    change = made(reader)

    personal_mail.forget_old(change.expires_at + timedelta(days=900))

    assert AddressChange.objects.filter(pk=change.pk).exists()
