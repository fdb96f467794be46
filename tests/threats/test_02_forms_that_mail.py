"""Row 2, for the other forms that mail whomever one names: one's own link, and a new address. The same layers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import altcha
import pytest
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import ConfirmationMail, PersonalMail
from newsletter.subscribers.protection import form_time
from newsletter.subscribers.shield import attack, proof, tally
from newsletter.subscribers.shield.tally import Layer
from tests.factories import NOW, make_subscriber, make_subscription
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NEW = "new.place@example.net"


@pytest.fixture(autouse=True)
def _little_effort(settings: Settings) -> None:
    settings.PROOF_OF_WORK_EFFORT = 2


@pytest.fixture(params=["my-link", "address"])
def path(request: pytest.FixtureRequest) -> str:
    """Of each form in turn; who sends it is a reader, and who is named is one as well, or nobody."""
    reader = make_subscription(email="reader@example.org").subscriber
    make_subscription(email=NEW) if request.param == "my-link" else None
    return "/my-link/" if request.param == "my-link" else f"/preferences/{reader.preferences_token}/address/"


def send(client: Client, path: str, **fields: str) -> Any:
    return client.post(path, {"email": NEW, **fields})


def solved() -> str:
    challenge = altcha.Challenge.from_dict(proof.challenge())
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


def deliver(row: PersonalMail, *, after: timedelta = timedelta()) -> str:
    personal_mail.deliver(mail_id=row.pk, now=row.created_at + after)
    row.refresh_from_db()
    return row.status


def test_form_shows_the_trap_its_time_and_the_way_to_a_proof(client: Client, path: str) -> None:
    text = client.get(path).text

    assert 'name="comment"' in text
    assert 'name="form_time"' in text
    assert 'name="altcha"' in text


def test_trap_is_answered_as_ever_and_mails_nobody(client: Client, path: str) -> None:
    caught, usual = send(client, path, comment="buy"), send(client, path)

    assert (caught.status_code, caught["Location"]) == (usual.status_code, usual["Location"])
    assert PersonalMail.objects.count() == 1
    assert tally.totals()[Layer.HONEYPOT] == 1


def test_form_that_comes_at_once_is_sent_back_and_counted(client: Client, path: str, settings: Settings) -> None:
    settings.SIGN_UP_MIN_SECONDS = 2

    answer = send(client, path, form_time=form_time())

    assert answer.status_code == 400
    assert not PersonalMail.objects.exists()
    assert tally.totals()[Layer.TIME] == 1


def test_network_has_a_limit_shared_with_sign_ups(client: Client, path: str, settings: Settings) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 1

    answers = [send(client, path).status_code, send(client, path).status_code]

    assert answers == [303, 429]
    assert PersonalMail.objects.count() == 1


def test_attempts_are_seen_by_attack_mode(client: Client, path: str, settings: Settings) -> None:
    settings.ATTACK_MIN_SIGN_UPS = 2
    for _time in range(3):
        send(client, path)

    assert attack.watch(NOW)


def test_without_a_proof_the_mail_waits_and_the_page_says_so(
    client: Client, path: str, settings: Settings, smtp_mailers: SmtpServer
) -> None:
    settings.PROOF_OF_WORK = "always"

    answer = client.get(send(client, path)["Location"])
    row = PersonalMail.objects.get()
    outcomes = [deliver(row), deliver(row, after=11 * MINUTE)]

    assert "a little later than usual" in answer.text
    assert outcomes == ["waiting", "mailed"]
    assert ConfirmationMail.objects.unproven().count() == 1
    assert tally.totals()[Layer.UNPROVEN] == 1


def test_with_a_proof_the_mail_goes_at_once(
    client: Client, path: str, settings: Settings, smtp_mailers: SmtpServer
) -> None:
    settings.PROOF_OF_WORK = "always"

    answer = client.get(send(client, path, altcha=solved())["Location"])

    assert "a little later than usual" not in answer.text
    assert deliver(PersonalMail.objects.get()) == "mailed"


def test_small_budget_of_the_unproven_is_shared_by_all_forms(
    client: Client, path: str, settings: Settings, smtp_mailers: SmtpServer
) -> None:
    settings.PROOF_OF_WORK, settings.UNPROVEN_MAILS_PER_HOUR = "always", 1
    other = personal_mail.ask_for_link(email=make_subscriber().email, now=NOW, is_unproven=True)
    send(client, path)
    row = PersonalMail.objects.exclude(pk=other.pk).get()
    PersonalMail.objects.filter(pk=other.pk).update(created_at=row.created_at, next_attempt_at=row.created_at)
    other.refresh_from_db()

    outcomes = [deliver(each, after=11 * MINUTE) for each in (other, row)]
    later = deliver(row, after=75 * MINUTE)

    assert outcomes == ["mailed", "waiting"]
    assert later == "mailed"


def test_budget_of_the_hour_holds_them_back_and_loses_none(settings: Settings, smtp_mailers: SmtpServer) -> None:
    settings.CONFIRMATION_MAILS_PER_HOUR = 2
    rows = [personal_mail.ask_for_link(email=make_subscriber().email, now=NOW) for _number in range(3)]

    at_once = [deliver(row) for row in rows]
    later = [deliver(row, after=61 * MINUTE) for row in rows]

    assert at_once == ["mailed", "mailed", "waiting"]
    assert later == ["mailed"] * 3
    assert (len(smtp_mailers.messages), ConfirmationMail.objects.count()) == (3, 3)


def test_attack_mode_makes_the_budget_smaller_for_them_too(settings: Settings, smtp_mailers: SmtpServer) -> None:
    settings.CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK = 1
    attack.begin(NOW)
    rows = [personal_mail.ask_for_link(email=make_subscriber().email, now=NOW) for _number in range(2)]

    assert [deliver(row) for row in rows] == ["mailed", "waiting"]
