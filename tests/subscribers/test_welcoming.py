"""The welcome mail: where the newsletter wants it, once, with the ways onward."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from newsletter.subscribers.models import ConsentRecord, Newsletter, Subscription, Suppression, WelcomeMail
from newsletter.subscribers.signup import confirm
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.tasks import sweep_welcomes
from newsletter.subscribers.unsubscribing import unsubscribe
from newsletter.subscribers.welcoming import owed_welcomes, send_welcome, welcomes_of
from tests.factories import NOW, make_newsletter, make_sign_up, make_subscription
from tests.servers.smtp import SmtpServer, Stage
from tests.subscribers.forms import link_in

pytestmark = pytest.mark.django_db
Status = WelcomeMail.Status


def confirmed(newsletter: Newsletter | None = None) -> Subscription:
    newsletter = newsletter or make_newsletter(
        sends_welcome=True, welcome_text="Good to have you.\n\n<b>Ada</b>, editor", sender_address="news@example.com"
    )
    pending = Subscription.Status.PENDING
    wish = make_subscription(newsletter=newsletter, email="reader@example.org", status=pending, confirmed_at=None)
    row = make_sign_up(subscriptions=[wish])
    return confirm(sign_up=row, now=NOW)[0]


def test_confirming_owes_a_welcome_that_is_sent_once(smtp_mailers: SmtpServer) -> None:
    (number,) = welcomes_of([confirmed()])

    results = [send_welcome(welcome_mail_id=number, now=NOW + timedelta(minutes=minute)) for minute in (0, 5, 10)]

    assert results == [True, False, False]
    assert len(smtp_mailers.messages) == 1
    assert WelcomeMail.objects.get().status == Status.SENT


def test_lines_of_the_text_part_fit_every_window(smtp_mailers: SmtpServer) -> None:
    subscription = confirmed()
    type(subscription.newsletter).objects.update(welcome_text="Good to have you here with us, in the harbor. " * 5)
    send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)

    text = smtp_mailers.messages[0].parsed.get_body(("plain",)).get_content()  # type: ignore[union-attr]

    assert "in the harbor." in text
    assert [line for line in text.splitlines() if len(line) > 72 and "://" not in line] == []


def test_mail_carries_the_text_the_latest_issue_and_the_ways_to_change_and_leave(smtp_mailers: SmtpServer) -> None:
    subscription = confirmed()
    send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)

    message = smtp_mailers.messages[0]
    html = message.parsed.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert message.parsed["Subject"] == f"Welcome to {subscription.newsletter.name}"
    assert "news@example.com" in message.parsed["From"]
    assert "Good to have you." in html
    assert "&lt;b&gt;Ada" in html
    assert link_in(message, "newsletters") == f"/newsletters/{subscription.newsletter.slug}/latest/"
    assert subscription.subscriber.preferences_token in link_in(message, "preferences")
    assert subscription.unsubscribe_token in message.parsed["List-Unsubscribe"]
    assert message.parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert subscription.newsletter.postal_address in html


def test_welcome_names_the_mailbox_for_leaving_as_well(smtp_mailers: SmtpServer, settings: Settings) -> None:
    settings.UNSUBSCRIBE_MAILBOX = "leave@news.example.org"
    subscription = confirmed(make_newsletter(sends_welcome=True))

    send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)

    one_click, by_mail = smtp_mailers.messages[0].parsed["List-Unsubscribe"].split(", ")
    assert one_click.startswith("<http")
    assert by_mail == f"<mailto:leave@news.example.org?subject=unsubscribe%20{subscription.unsubscribe_token}>"


def test_mail_says_what_will_come_at_the_cadence_that_was_chosen(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter(sends_welcome=True, rhythm={"daily": [5, 6], "weekly": [1, 12]})
    subscription = confirmed(newsletter)
    Subscription.objects.update(cadence="weekly")

    send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)

    text = smtp_mailers.messages[0].parsed.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    promised = "About one mail a week with about 12 articles each, and none when there is no news."
    assert promised in " ".join(text.split())
    assert "5 mails" not in text


def test_newsletter_that_sends_no_welcome_owes_none() -> None:
    confirmed(make_newsletter(sends_welcome=False))

    assert not WelcomeMail.objects.exists()


def test_coming_back_is_no_reason_for_a_second_welcome() -> None:
    subscription = confirmed()
    WelcomeMail.objects.update(status=Status.SENT, sent_at=NOW)
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.PAGE, now=NOW)
    subscription.reopen()

    confirm(sign_up=make_sign_up(subscriptions=[subscription]), now=NOW + timedelta(days=1))

    assert [mail.status for mail in WelcomeMail.objects.all()] == [Status.SENT]


def test_reader_who_left_meanwhile_is_not_welcomed(smtp_mailers: SmtpServer) -> None:
    subscription = confirmed()
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.PAGE, now=NOW)

    assert not send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)
    assert WelcomeMail.objects.get().skipped_reason == WelcomeMail.Reason.LEFT
    assert not smtp_mailers.messages


def test_suppressed_address_is_not_welcomed(smtp_mailers: SmtpServer) -> None:
    subscription = confirmed()
    suppress(email="reader@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)

    assert not send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)
    assert WelcomeMail.objects.get().skipped_reason == WelcomeMail.Reason.SUPPRESSED


def test_server_that_says_later_is_asked_later_and_not_for_ever(smtp_mailers: SmtpServer) -> None:
    (number,) = welcomes_of([confirmed()])
    smtp_mailers.refuse(Stage.RCPT, "451 4.3.0 later")

    assert not send_welcome(welcome_mail_id=number, now=NOW)
    row = WelcomeMail.objects.get()
    assert (row.status, row.next_attempt_at) == (Status.WAITING, NOW + timedelta(seconds=30))
    assert not send_welcome(welcome_mail_id=number, now=NOW + timedelta(days=2))
    row.refresh_from_db()
    assert row.skipped_reason == WelcomeMail.Reason.TOO_LATE


def test_server_that_refuses_for_good_ends_it(smtp_mailers: SmtpServer) -> None:
    (number,) = welcomes_of([confirmed()])
    smtp_mailers.refuse(Stage.RCPT, "550 5.1.1 no such user")

    send_welcome(welcome_mail_id=number, now=NOW)

    row = WelcomeMail.objects.get()
    assert (row.skipped_reason, "550" in row.response) == (WelcomeMail.Reason.REFUSED, True)


def test_sweep_finds_what_nobody_rang_for(mailbox_mailers: None) -> None:
    confirmed()

    assert owed_welcomes(NOW) == []  # the doorbell is being answered
    assert len(owed_welcomes(NOW + timedelta(seconds=6))) == 1
    sweep_welcomes()


def test_confirming_by_page_rings_for_the_welcome(
    client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    newsletter = make_newsletter(sends_welcome=True)
    pending = Subscription.Status.PENDING
    row = make_sign_up(
        subscriptions=[make_subscription(newsletter=newsletter, status=pending, confirmed_at=None)],
        created_at=timezone.now(),
    )

    with django_capture_on_commit_callbacks() as rung:
        response = client.post(f"/confirm/{row.token}/")

    assert response.status_code == 200
    assert len(rung) == 1
    assert WelcomeMail.objects.get().status == Status.WAITING
