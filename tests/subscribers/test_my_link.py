"""The page for readers who have no link at hand: it mails it, and tells nobody who is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import ConfirmationMail, PersonalMail, Subscriber, Suppression
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_subscriber, make_subscription
from tests.servers.smtp import SmtpServer, Stage
from tests.subscribers.forms import link_in

pytestmark = pytest.mark.django_db


def ask(email: str) -> PersonalMail:
    return personal_mail.ask_for_link(email=email, now=NOW)


def deliver(row: PersonalMail, **later: float) -> bool:
    return personal_mail.deliver(mail_id=row.pk, now=NOW + timedelta(**later))


def test_link_is_mailed_to_the_address_that_we_know(smtp_mailers: SmtpServer, client: Client) -> None:
    reader = make_subscription(email="Reader@example.org").subscriber

    row = ask("rEADER@example.org")
    delivered = deliver(row)

    row.refresh_from_db()
    path = link_in(smtp_mailers.messages[0], "preferences")
    assert delivered
    assert smtp_mailers.messages[0].recipients == ("Reader@example.org",)
    assert path == f"/preferences/{reader.preferences_token}/"
    assert client.get(path).status_code == 200
    assert (row.status, row.email) == ("mailed", "")


def test_every_address_gets_the_same_answer(client: Client) -> None:
    make_subscription(email="reader@example.org")
    suppress(email="gone@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)
    make_subscriber(email="nothing@example.org")
    answers, queries = [], []

    for name in ("reader", "gone", "nothing", "stranger"):
        with CaptureQueriesContext(connection) as captured:
            response = client.post("/my-link/", {"email": f"{name}@example.org"})
        answers.append((response.status_code, response["Location"], response.content, dict(response.cookies)))
        queries.append([query["sql"].partition(" VALUES")[0] for query in captured])

    assert answers == [answers[0]] * 4
    assert queries == [queries[0]] * 4
    assert answers[0][:2] == (303, "/my-link/sent/")


def test_nobody_who_is_unknown_or_suppressed_is_mailed(smtp_mailers: SmtpServer) -> None:
    make_subscription(email="gone@example.org")
    suppress(email="gone@example.org", reason=Suppression.Reason.HARD_BOUNCE, now=NOW)

    rows = [ask("stranger@example.org"), ask("gone@example.org")]
    assert not any(deliver(row) for row in rows)

    for row in rows:
        row.refresh_from_db()
    assert [(row.skipped_reason, row.email) for row in rows] == [("unknown", ""), ("suppressed", "")]
    assert not smtp_mailers.messages
    assert not Subscriber.objects.filter(email="stranger@example.org").exists()


def test_one_address_gets_one_mail_a_day_and_three_in_thirty_days(smtp_mailers: SmtpServer) -> None:
    make_subscription(email="victim@example.org")
    outcomes = []

    for day in (0, 0, 1.1, 2.2, 3.3):
        now = NOW + timedelta(days=day)
        row = personal_mail.ask_for_link(email="victim@example.org", now=now)
        personal_mail.deliver(mail_id=row.pk, now=now)
        row.refresh_from_db()
        outcomes.append(row.skipped_reason or row.status)

    assert outcomes == ["mailed", "too_soon", "mailed", "mailed", "too_many"]
    assert len(smtp_mailers.messages) == 3


def test_confirmation_mail_counts_too(smtp_mailers: SmtpServer) -> None:
    reader = make_subscription().subscriber
    ConfirmationMail.objects.create(address_hash=reader.address_hash, at=NOW - timedelta(hours=2))

    assert not deliver(ask(reader.email))
    assert not smtp_mailers.messages


def test_server_that_is_busy_is_asked_again_without_counting_twice(smtp_mailers: SmtpServer) -> None:
    reader = make_subscription().subscriber
    smtp_mailers.refuse(Stage.RCPT, "451 later", times=1)
    row = ask(reader.email)

    first, at_once, later = deliver(row), deliver(row, seconds=1), deliver(row, minutes=3)

    row.refresh_from_db()
    assert (first, at_once, later) == (False, False, True)
    assert (row.status, row.attempt_count, len(smtp_mailers.messages)) == ("mailed", 2, 1)


def test_refusal_for_good_ends_it(smtp_mailers: SmtpServer) -> None:
    reader = make_subscription().subscriber
    smtp_mailers.refuse(Stage.RCPT, "550 no such user")
    row = ask(reader.email)

    deliver(row)

    row.refresh_from_db()
    assert (row.status, row.skipped_reason, row.email) == ("skipped", "refused", "")


def test_what_no_server_took_for_a_day_is_given_up(smtp_mailers: SmtpServer) -> None:
    row = ask(make_subscription().subscriber.email)

    deliver(row, hours=25)

    row.refresh_from_db()
    assert row.skipped_reason == "expired"
    assert not smtp_mailers.messages


def test_mail_is_sent_once_however_often_the_bell_rings(smtp_mailers: SmtpServer) -> None:
    row = ask(make_subscription().subscriber.email)

    assert [deliver(row) for _ in range(3)] == [True, False, False]
    assert len(smtp_mailers.messages) == 1


def test_sweep_finds_what_nobody_rang_for_and_forgets_what_is_old() -> None:
    row = ask("reader@example.org")

    young = personal_mail.owed(NOW + timedelta(seconds=1))
    due = personal_mail.owed(NOW + timedelta(minutes=1))
    row.skip(PersonalMail.Reason.UNKNOWN, now=NOW)
    kept = personal_mail.forget_old(NOW + timedelta(days=29))
    forgotten = personal_mail.forget_old(NOW + timedelta(days=31))

    assert (young, due, kept, forgotten) == ([], [row.pk], 0, 1)


def test_address_with_a_mistake_is_said_at_once(client: Client) -> None:
    response = client.post("/my-link/", {"email": "reader@"})

    assert response.status_code == 400
    assert 'aria-invalid="true"' in response.content.decode()
    assert not PersonalMail.objects.exists()


def test_robot_in_the_honeypot_gets_the_same_answer_and_nothing_else(client: Client) -> None:
    response = client.post("/my-link/", {"email": "reader@example.org", "comment": "buy"})

    assert (response.status_code, response["Location"]) == (303, "/my-link/sent/")
    assert not PersonalMail.objects.exists()


@pytest.mark.parametrize("path", ["/my-link/", "/my-link/sent/"])
def test_looking_sends_nothing_and_sets_no_cookie(client: Client, path: str) -> None:
    response = client.get(path, {"email": "reader@example.org"})

    assert response.status_code == 200
    assert not response.cookies
    assert not PersonalMail.objects.exists()


def test_footer_of_every_page_leads_there(client: Client) -> None:
    assert 'href="/my-link/"' in client.get("/newsletters/").content.decode()


def test_mail_comes_in_the_readers_language(smtp_mailers: SmtpServer) -> None:
    reader = make_subscriber(language="ar")

    row = personal_mail.ask_for_link(email=reader.email, now=timezone.now())
    personal_mail.deliver(mail_id=row.pk, now=timezone.now())

    body = smtp_mailers.messages[0].parsed.get_body(("html",))
    assert body
    assert '<html lang="ar" dir="rtl"' in body.get_content()
