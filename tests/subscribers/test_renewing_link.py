"""A link that got out is made useless, by its reader or at the desk; leaving by an old mail works all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from newsletter.insights.timeline import page
from newsletter.subscribers import changes, personal_mail, renewing_link
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber, Subscription, Suppression
from newsletter.subscribers.self_service import changing_address
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_editor, make_subscriber, make_subscription
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import link_in

pytestmark = pytest.mark.django_db
RENEWED = "Changed: link to their page, so that older ones open nothing"


@pytest.fixture
def reader() -> Subscriber:
    return make_subscription(email="reader@example.org").subscriber


def renew(reader: Subscriber) -> PersonalMail:
    return renewing_link.renew(subscriber=reader, author=changes.READER, now=NOW)


def deliver_all() -> None:
    for row in PersonalMail.objects.filter(status="waiting"):
        personal_mail.deliver(mail_id=row.pk, now=row.created_at + timedelta(seconds=1))


def powers(client: Client, token: str) -> list[int]:
    pages = ("", "address/", "download/", "erase/", "new-link/")
    return [client.post(f"/preferences/{token}/{path}").status_code for path in pages]


def test_reader_locks_out_whoever_has_an_old_mail(reader: Subscriber, client: Client, smtp_mailers: SmtpServer) -> None:
    old = reader.preferences_token
    path = f"/preferences/{old}/new-link/"

    asked = client.get(path)
    still_works = client.get(f"/preferences/{old}/").status_code
    answer = client.post(path, {"action": "renew"}, follow=True)
    deliver_all()

    new = link_in(smtp_mailers.messages[0], "preferences")
    assert "reader@example.org" in asked.text
    assert (still_works, answer.status_code) == (200, 200)
    assert powers(client, old) == [404] * 5
    assert client.get(new).status_code == 200
    assert new not in answer.text
    assert "reader@example.org" not in answer.text
    assert smtp_mailers.messages[0].recipients == ("reader@example.org",)


@pytest.mark.parametrize("data", [{}, {"action": "save"}])
def test_post_that_is_not_the_pages_locks_nobody_out(reader: Subscriber, client: Client, data: dict[str, str]) -> None:
    client.post(f"/preferences/{reader.preferences_token}/new-link/", data)

    assert client.get(f"/preferences/{reader.preferences_token}/").status_code == 200
    assert not PersonalMail.objects.exists()


def test_old_mail_keeps_the_power_to_leave_and_no_other(client: Client) -> None:
    subscription = make_subscription()
    leaving, choosing = subscription.unsubscribe_token, subscription.subscriber.preferences_token
    for _time in range(3):
        renew(subscription.subscriber)

    answer = client.post(f"/unsubscribe/{leaving}/", {"List-Unsubscribe": "One-Click"})

    subscription.refresh_from_db()
    assert (answer.status_code, subscription.status) == (200, Subscription.Status.ENDED)
    assert client.get(f"/preferences/{choosing}/").status_code == 404


def test_links_of_other_readers_stay(reader: Subscriber, client: Client) -> None:
    other = make_subscriber()

    renew(reader)

    assert client.get(f"/preferences/{other.preferences_token}/").status_code == 200


def test_address_that_was_asked_for_with_the_old_link_is_dropped(
    reader: Subscriber, client: Client, smtp_mailers: SmtpServer
) -> None:
    changing_address.ask(subscriber=reader, new_email="thief@example.net", now=NOW)
    deliver_all()
    link_of_the_thief = link_in(smtp_mailers.messages[0], "new-address")

    renew(reader)
    client.post(link_of_the_thief)

    reader.refresh_from_db()
    assert AddressChange.objects.get().status == "dropped"
    assert reader.email == "reader@example.org"


def test_desk_does_it_for_a_reader_who_asks_and_it_stands_in_the_timeline(
    reader: Subscriber, client: Client, smtp_mailers: SmtpServer
) -> None:
    old, editor = reader.preferences_token, make_editor()
    client.force_login(editor)
    path = reverse("admin:subscribers_subscriber_renew_link", args=[reader.pk])

    asked = client.get(path)
    done = client.post(path, follow=True)
    deliver_all()

    told = {entry.title: entry.details for entry in page(subscriber=reader).entries}
    assert "old links useless?" in asked.text
    assert "The old links are useless now" in done.text
    assert client.get(f"/preferences/{old}/").status_code == 404
    assert told[RENEWED] == (f"by editor {editor}",)
    assert told["Was sent a new link to their page"][0].startswith("mail accepted")


def test_who_may_only_look_cannot_lock_anybody_out(reader: Subscriber, client: Client) -> None:
    visitor = User.objects.create_user("visitor", is_staff=True)
    visitor.user_permissions.add(Permission.objects.get(codename="view_subscriber"))
    client.force_login(visitor)

    answer = client.post(reverse("admin:subscribers_subscriber_renew_link", args=[reader.pk]))

    reader.refresh_from_db()
    assert (answer.status_code, reader.link_version) == (403, 0)


def test_reader_whom_we_may_not_mail_is_warned_first(reader: Subscriber, client: Client) -> None:
    suppress(email=reader.email, reason=Suppression.Reason.HARD_BOUNCE, now=NOW)

    text = client.get(f"/preferences/{reader.preferences_token}/new-link/").text

    assert "No new link could reach you" in text


def test_undoing_a_change_of_address_renews_too_and_all_of_it_stands_in_the_timeline(reader: Subscriber) -> None:
    changing_address.ask(subscriber=reader, new_email="thief@example.net", now=NOW)
    change = AddressChange.objects.get()
    changing_address.make(change=change, now=NOW)

    changing_address.undo(change=change, now=NOW)

    told = [entry.title for entry in page(subscriber=reader).entries]
    assert {RENEWED, "Asked to move to another address", "Was told at the old address of the move"} <= set(told)


@pytest.mark.parametrize("reason", ["", "too_soon"])
def test_asking_for_the_link_stands_in_the_timeline_with_its_outcome(
    reader: Subscriber, smtp_mailers: SmtpServer, reason: str
) -> None:
    for _time in range(2 if reason else 1):
        personal_mail.deliver(mail_id=personal_mail.ask_for_link(email=reader.email, now=NOW).pk, now=NOW)

    [entry, *_older] = [each for each in page(subscriber=reader).entries if "Asked for the link" in each.title]
    outcome = "no mail: had one within a day" if reason else "mail accepted"
    assert entry.details[0].startswith(outcome)
    assert not PersonalMail.objects.exclude(email="").exists()
