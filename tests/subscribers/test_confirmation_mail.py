"""The mail that a sign-up leads to: how often, to whom, and what becomes of a refusal."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from newsletter.subscribers import tasks
from newsletter.subscribers.models import Newsletter, SignUp, Subscription, Suppression
from newsletter.subscribers.signup import confirm, send_confirmation, sign_up
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_newsletter, make_sign_up, make_subscription
from tests.servers.smtp import SmtpServer, Stage
from tests.subscribers.forms import form, last_sign_up, link_in, post_form

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def ask_and_send(
    *newsletters: Newsletter, after: timedelta = timedelta(0), email: str = "reader@example.org"
) -> SignUp:
    row = sign_up(form=form(*newsletters, email=email), now=NOW + after)
    assert row is not None
    send_confirmation(sign_up_id=row.pk, now=NOW + after)
    row.refresh_from_db()
    return row


def test_mail_names_the_newsletters_and_links_to_the_confirmation(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter(name="Latest news", description="What happened")

    row = ask_and_send(newsletter)

    (received,) = smtp_mailers.messages
    text = received.parsed.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert received.recipients == ("reader@example.org",)
    assert "Latest news: What happened" in text
    assert "7 days" in text
    assert link_in(received, "confirm") == f"/confirm/{row.token}/"
    assert (row.status, row.mailed_at) == (SignUp.Status.MAILED, NOW)


def test_link_goes_to_the_configured_site_whatever_the_host_header_says(smtp_mailers: SmtpServer) -> None:
    post_form(Client(headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"}), make_newsletter())

    send_confirmation(sign_up_id=last_sign_up().pk, now=last_sign_up().created_at)

    assert b"evil.example" not in smtp_mailers.messages[0].content


def test_name_that_a_stranger_may_have_entered_is_not_in_the_mail(smtp_mailers: SmtpServer) -> None:
    row = sign_up(form=form(make_newsletter(), name="BUY PILLS https://spam.example"), now=NOW)
    assert row is not None

    send_confirmation(sign_up_id=row.pk, now=NOW)

    assert b"PILLS" not in smtp_mailers.messages[0].content


def test_sending_twice_sends_once(smtp_mailers: SmtpServer) -> None:
    row = ask_and_send(make_newsletter())

    again = send_confirmation(sign_up_id=row.pk, now=NOW + HOUR)

    assert not again
    assert len(smtp_mailers.messages) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_once(smtp_mailers: SmtpServer) -> None:
    row = sign_up(form=form(make_newsletter()), now=NOW)
    assert row is not None
    hold = smtp_mailers.hold(Stage.MESSAGE)

    def work() -> None:
        try:
            send_confirmation(sign_up_id=row.pk, now=NOW)
        finally:
            connection.close()

    first = threading.Thread(target=work)
    first.start()
    hold.wait()
    second = send_confirmation(sign_up_id=row.pk, now=NOW + timedelta(seconds=10))
    hold.release()
    first.join()

    assert not second
    assert len(smtp_mailers.messages) == 1


def test_unknown_sign_up_is_nothing_to_do() -> None:
    assert not send_confirmation(sign_up_id=404, now=NOW)


def test_address_gets_one_mail_a_day(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()

    ask_and_send(newsletter)
    second = ask_and_send(newsletter, after=23 * HOUR)
    third = ask_and_send(newsletter, after=25 * HOUR)

    assert (second.status, second.skipped_reason) == (SignUp.Status.SKIPPED, SignUp.Reason.TOO_SOON)
    assert third.status == SignUp.Status.MAILED
    assert len(smtp_mailers.messages) == 2


def test_address_gets_three_mails_in_thirty_days(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()

    rows = [ask_and_send(newsletter, after=day * DAY) for day in (0, 2, 4, 6, 29, 31)]

    assert [row.skipped_reason for row in rows] == ["", "", "", "too_many", "too_many", ""]
    assert len(smtp_mailers.messages) == 4


def test_thirty_sign_ups_of_one_address_are_at_most_one_mail_a_day(smtp_mailers: SmtpServer, client: Client) -> None:
    newsletters = [make_newsletter() for _ in range(3)]

    for number in range(30):
        post_form(client, newsletters[number % 3], email="Victim@example.org" if number % 2 else "victim@example.org")
    for row in SignUp.objects.order_by("pk"):
        send_confirmation(sign_up_id=row.pk, now=row.created_at)

    assert SignUp.objects.count() == 30
    assert len(smtp_mailers.messages) == 1


def test_count_starts_anew_when_the_owner_confirms(smtp_mailers: SmtpServer) -> None:
    row = ask_and_send(make_newsletter())
    confirm(sign_up=row, now=NOW + HOUR)

    second = ask_and_send(make_newsletter(), after=2 * HOUR)

    assert second.status == SignUp.Status.MAILED
    assert len(smtp_mailers.messages) == 2


def test_suppressed_address_gets_no_mail(smtp_mailers: SmtpServer) -> None:
    suppress(email="READER@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)

    row = ask_and_send(make_newsletter())

    assert (row.status, row.skipped_reason) == (SignUp.Status.SKIPPED, SignUp.Reason.SUPPRESSED)
    assert smtp_mailers.messages == []


def test_known_reader_is_told_that_there_is_nothing_to_confirm(smtp_mailers: SmtpServer) -> None:
    active = make_subscription(email="reader@example.org")

    first = ask_and_send(active.newsletter)
    second = ask_and_send(active.newsletter, after=HOUR)

    (received,) = smtp_mailers.messages
    assert "already" in received.parsed["Subject"]
    assert link_in(received, "preferences") == f"/preferences/{active.subscriber.preferences_token}/"
    assert b"/confirm/" not in received.content
    assert (first.status, second.skipped_reason) == (SignUp.Status.MAILED, SignUp.Reason.TOO_SOON)


def test_mail_for_a_known_reader_asks_only_for_what_is_new(smtp_mailers: SmtpServer) -> None:
    active = make_subscription(email="reader@example.org", newsletter=make_newsletter(name="Known one"))

    ask_and_send(active.newsletter, make_newsletter(name="New one"))

    content = smtp_mailers.messages[0].content
    assert b"New one" in content
    assert b"Known one" not in content


def test_refusal_for_good_is_recorded_and_ends_it(smtp_mailers: SmtpServer) -> None:
    smtp_mailers.refuse(Stage.RCPT, "550 5.1.1 no such user")

    row = ask_and_send(make_newsletter())

    assert (row.status, row.skipped_reason) == (SignUp.Status.SKIPPED, SignUp.Reason.REFUSED)
    assert "550 5.1.1" in row.response


def test_refusal_for_now_is_tried_again_later_and_later(smtp_mailers: SmtpServer) -> None:
    smtp_mailers.refuse(Stage.RCPT, "450 4.2.0 greylisted", times=2)
    row = ask_and_send(make_newsletter())
    first_pause = row.next_attempt_at - NOW  # type: ignore[operator]
    at_once = send_confirmation(sign_up_id=row.pk, now=NOW + timedelta(seconds=1))
    send_confirmation(sign_up_id=row.pk, now=NOW + first_pause)
    row.refresh_from_db()
    second_pause = row.next_attempt_at - NOW - first_pause  # type: ignore[operator]

    sent = send_confirmation(sign_up_id=row.pk, now=NOW + first_pause + second_pause)

    assert not at_once
    assert second_pause > first_pause
    assert sent
    assert len(smtp_mailers.messages) == 1


def test_server_that_is_away_costs_no_sign_up(smtp_mailers: SmtpServer) -> None:
    smtp_mailers.stop()
    row = ask_and_send(make_newsletter())
    smtp_mailers.start()

    sent = send_confirmation(sign_up_id=row.pk, now=NOW + HOUR)

    assert row.status == SignUp.Status.WAITING
    assert sent


def test_worker_that_died_in_the_middle_is_succeeded_by_another(smtp_mailers: SmtpServer) -> None:
    row = sign_up(form=form(make_newsletter()), now=NOW)
    assert row is not None
    assert row.claim(NOW)  # and then it was killed

    too_early = send_confirmation(sign_up_id=row.pk, now=NOW + timedelta(seconds=30))
    sent = send_confirmation(sign_up_id=row.pk, now=NOW + timedelta(minutes=3))

    assert (too_early, sent) == (False, True)


def test_mail_that_cannot_go_out_before_the_link_expires_is_given_up(smtp_mailers: SmtpServer) -> None:
    row = make_sign_up(expires_at=NOW + 7 * DAY)

    send_confirmation(sign_up_id=row.pk, now=NOW + 8 * DAY)

    row.refresh_from_db()
    assert row.skipped_reason == SignUp.Reason.EXPIRED
    assert smtp_mailers.messages == []


def test_mail_is_in_the_readers_language_where_there_is_one(smtp_mailers: SmtpServer) -> None:
    row = sign_up(form=form(make_newsletter(language="en"), language="ar"), now=NOW)
    assert row is not None

    send_confirmation(sign_up_id=row.pk, now=NOW)

    html = smtp_mailers.messages[0].parsed.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert '<html lang="ar" dir="rtl"' in html


def test_task_sends_the_mail(smtp_mailers: SmtpServer) -> None:
    post_form(Client(), make_newsletter())

    tasks.send_confirmation(sign_up_id=last_sign_up().pk)

    assert len(smtp_mailers.messages) == 1
    assert last_sign_up().subscriptions.get().status == Subscription.Status.PENDING
