"""Row 1: a victim's address in thousands of forms, and thousands of victims in one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers import personal_mail
from newsletter.subscribers.asking_again import ask_again
from newsletter.subscribers.models import ConfirmationMail, SignUp
from newsletter.subscribers.self_service.changing_address import ask
from newsletter.subscribers.shield import attack
from newsletter.subscribers.signup import confirm, send_confirmation, sign_up
from tests.factories import NOW, make_newsletter, make_subscriber
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import form

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
SPELLINGS = [
    "victim@example.org",
    "Victim@example.org",
    "VICTIM@EXAMPLE.ORG",
    "ｖｉｃｔｉｍ@example.org",  # full-width letters
    "victim@EXAMPLE.org",
]


def send_all() -> None:
    for row in SignUp.objects.unmailed():
        send_confirmation(sign_up_id=row.pk, now=row.created_at)


@pytest.mark.django_db
def test_two_hundred_forms_of_twenty_newsletters_make_one_mail(smtp_mailers: SmtpServer) -> None:
    newsletters = [make_newsletter() for _number in range(20)]
    for number in range(200):
        form_sent = form(newsletters[number % 20], email=SPELLINGS[number % len(SPELLINGS)])
        sign_up(form=form_sent, now=NOW + number * MINUTE)

    send_all()

    assert len(smtp_mailers.messages) == 1


@pytest.mark.django_db
def test_domain_with_umlauts_is_one_address_in_both_forms(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()
    for domain in ("bücher.example", "xn--bcher-kva.example", "BÜCHER.example"):
        sign_up(form=form(newsletter, email=f"victim@{domain}"), now=NOW)

    send_all()

    assert len(smtp_mailers.messages) == 1


@pytest.mark.django_db
def test_a_form_every_hour_for_thirty_days_makes_three_mails(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()
    for hour in range(24 * 30):
        row = sign_up(form=form(newsletter, email="victim@example.org"), now=NOW + hour * HOUR)
        assert row
        send_confirmation(sign_up_id=row.pk, now=NOW + hour * HOUR)

    assert len(smtp_mailers.messages) == 3


@pytest.mark.django_db
def test_asking_again_every_minute_makes_one_mail_more_a_day_and_three_in_all(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()
    first = sign_up(form=form(newsletter, email="victim@example.org"), now=NOW)
    assert first
    send_confirmation(sign_up_id=first.pk, now=NOW)
    for number in range(1, 200):
        row = ask_again(email="Victim@example.org", now=NOW + number * MINUTE)
        assert row
        send_confirmation(sign_up_id=row.pk, now=NOW + number * MINUTE)
    after_a_day = len(smtp_mailers.messages)

    for day in range(1, 8):
        row = ask_again(email="victim@example.org", now=NOW + day * DAY + HOUR)
        assert row
        send_confirmation(sign_up_id=row.pk, now=NOW + day * DAY + HOUR)

    assert (after_a_day, len(smtp_mailers.messages)) == (2, 3)


@pytest.mark.django_db(transaction=True)
def test_twelve_workers_at_once_send_one_mail(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()
    rows = [sign_up(form=form(newsletter, email=SPELLINGS[n % len(SPELLINGS)]), now=NOW) for n in range(12)]
    gate = threading.Barrier(len(rows))

    def send(pk: int) -> None:
        gate.wait()
        send_confirmation(sign_up_id=pk, now=NOW)
        connection.close()

    threads = [threading.Thread(target=send, args=(row.pk,)) for row in rows if row]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(smtp_mailers.messages) == 1
    assert ConfirmationMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_every_way_in_at_once_sends_one_mail(smtp_mailers: SmtpServer) -> None:
    """Forms, the request to mail it again, and readers who all "move" to the victim's address: one count for all."""
    newsletter = make_newsletter()
    rows = [sign_up(form=form(newsletter, email=spelling), now=NOW) for spelling in SPELLINGS[:3]]
    rows += [ask_again(email=spelling, now=NOW) for spelling in SPELLINGS[:3]]
    moves = [ask(subscriber=make_subscriber(), new_email=spelling, now=NOW) for spelling in SPELLINGS]
    jobs: list[Callable[[], bool]] = [
        *(partial(send_confirmation, sign_up_id=row.pk, now=NOW) for row in rows if row),
        *(partial(personal_mail.deliver, mail_id=move.pk, now=NOW) for move in moves if move),
    ]
    gate = threading.Barrier(len(jobs))

    def work(job: Callable[[], bool]) -> None:
        gate.wait()
        job()
        connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(jobs) == 11
    assert len(smtp_mailers.messages) == 1


@pytest.mark.django_db
def test_whoever_forgets_everything_does_not_forget_the_count(smtp_mailers: SmtpServer) -> None:
    """Deleting the sign-ups that expired must not give an attacker three more mails a week."""
    newsletter = make_newsletter()
    row = sign_up(form=form(newsletter, email="victim@example.org"), now=NOW)
    assert row
    send_confirmation(sign_up_id=row.pk, now=NOW)
    row.subscriber.delete()

    again = sign_up(form=form(newsletter, email="victim@example.org"), now=NOW + HOUR)
    assert again
    send_confirmation(sign_up_id=again.pk, now=NOW + HOUR)

    assert len(smtp_mailers.messages) == 1


@pytest.mark.django_db
def test_many_victims_from_many_networks_get_no_more_than_the_budget(
    smtp_mailers: SmtpServer, settings: Settings
) -> None:
    settings.CONFIRMATION_MAILS_PER_HOUR, settings.CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK = 10, 4
    newsletter = make_newsletter()
    for number in range(30):
        sign_up(form=form(newsletter, email=f"victim{number}@example{number % 7}.org"), now=NOW)
    send_all()
    normal = len(smtp_mailers.messages)

    attack.begin(NOW + HOUR)
    for row in SignUp.objects.unmailed():
        send_confirmation(sign_up_id=row.pk, now=NOW + HOUR + MINUTE)

    assert (normal, len(smtp_mailers.messages)) == (10, 14)
    assert set(SignUp.objects.unmailed().values_list("response", flat=True)) == {SignUp.HELD_BACK}


@pytest.mark.django_db
def test_mail_that_found_the_budget_used_up_goes_out_later(smtp_mailers: SmtpServer, settings: Settings) -> None:
    settings.CONFIRMATION_MAILS_PER_HOUR = 1
    newsletter = make_newsletter()
    rows = [sign_up(form=form(newsletter, email=f"r{number}@example.org"), now=NOW) for number in range(2)]
    send_all()

    late = rows[1]
    assert late
    assert not send_confirmation(sign_up_id=late.pk, now=NOW + MINUTE)  # not before its turn
    assert send_confirmation(sign_up_id=late.pk, now=NOW + HOUR + MINUTE)
    late.refresh_from_db()
    assert confirm(sign_up=late, now=NOW + 2 * HOUR)


@pytest.mark.django_db
def test_one_network_with_many_victims_is_stopped(settings: Settings) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 5
    newsletter = make_newsletter()

    statuses = [
        Client(REMOTE_ADDR=f"2001:db8:0:1{number:02x}::1")
        .post("/subscribe/", {"email": f"victim{number}@example.org", "newsletters": newsletter.slug})
        .status_code
        for number in range(8)
    ]

    assert statuses == [303] * 5 + [429] * 3
    assert SignUp.objects.count() == 5
