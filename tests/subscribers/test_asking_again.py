"""No mail came: asking for it once more, which tells nothing and floods nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from newsletter.subscribers import upkeep
from newsletter.subscribers.asking_again import ask_again
from newsletter.subscribers.models import SignUp, Subscription, Suppression
from newsletter.subscribers.signup import confirm, send_confirmation, sign_up
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_newsletter, make_subscription
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import form, last_sign_up, link_in

pytestmark = pytest.mark.django_db
PATH = "/subscribe/check-inbox/"
ADDRESS = "reader@example.org"


def first_mail() -> SignUp:
    row = sign_up(form=form(make_newsletter(), page_url="https://example.org/story", ip_address="192.0.2.1"), now=NOW)
    assert row
    assert send_confirmation(sign_up_id=row.pk, now=NOW)
    return row


def again(after: timedelta, *, email: str = ADDRESS) -> SignUp:
    row = ask_again(email=email, now=NOW + after)
    assert row
    send_confirmation(sign_up_id=row.pk, now=NOW + after)
    row.refresh_from_db()
    return row


def test_second_mail_comes_after_ten_minutes_and_its_link_confirms(smtp_mailers: SmtpServer) -> None:
    first_mail()

    row = again(timedelta(minutes=11))

    assert row.status == SignUp.Status.MAILED
    assert link_in(smtp_mailers.messages[-1], "confirm").endswith(f"{row.token}/")
    confirmed = confirm(sign_up=row, now=NOW + timedelta(minutes=12))
    assert [each.status for each in confirmed] == [Subscription.Status.ACTIVE]
    assert confirmed[0].subscriber.consent_records.get().page_url == "https://example.org/story"


def test_impatient_reader_gets_one_second_mail_when_ten_minutes_are_over(smtp_mailers: SmtpServer) -> None:
    first_mail()

    rows = [again(timedelta(minutes=3)), again(timedelta(minutes=4))]

    assert [(row.status, row.next_attempt_at) for row in rows] == [("waiting", NOW + timedelta(minutes=10))] * 2
    assert len(smtp_mailers.messages) == 1
    for pk in upkeep.owed_mails(NOW + timedelta(minutes=10)):
        send_confirmation(sign_up_id=pk, now=NOW + timedelta(minutes=10))
    assert list(SignUp.objects.filter(is_asked_again=True).order_by("pk").values_list("status", "skipped_reason")) == [
        ("mailed", ""), ("skipped", "too_soon"),
    ]  # fmt: skip
    assert len(smtp_mailers.messages) == 2


def test_there_is_no_third_mail_on_one_day_and_no_fourth_in_thirty(smtp_mailers: SmtpServer) -> None:
    first_mail()

    outcomes = [
        again(after).skipped_reason
        for after in (timedelta(minutes=11), timedelta(minutes=30), timedelta(hours=23), timedelta(hours=26),
                      timedelta(days=3), timedelta(days=6))
    ]  # fmt: skip

    too_soon, too_many = SignUp.Reason.TOO_SOON, SignUp.Reason.TOO_MANY
    assert outcomes == ["", too_soon, too_soon, "", too_many, too_many]
    assert len(smtp_mailers.messages) == 3


def test_signing_up_again_is_no_way_round_the_day(smtp_mailers: SmtpServer) -> None:
    first_mail()
    row = sign_up(form=form(make_newsletter()), now=NOW + timedelta(hours=1))
    assert row

    assert not send_confirmation(sign_up_id=row.pk, now=NOW + timedelta(hours=1))
    assert len(smtp_mailers.messages) == 1


def test_unknown_address_gets_no_mail(smtp_mailers: SmtpServer) -> None:
    row = again(timedelta(), email="stranger@example.org")

    assert (row.status, row.skipped_reason) == (SignUp.Status.SKIPPED, SignUp.Reason.NOTHING)
    assert not smtp_mailers.messages


def test_active_reader_gets_the_way_to_their_preferences(smtp_mailers: SmtpServer) -> None:
    make_subscription(email=ADDRESS)

    again(timedelta())

    assert "/preferences/" in link_in(smtp_mailers.messages[0], "preferences")


def test_suppressed_address_gets_no_mail(smtp_mailers: SmtpServer) -> None:
    make_subscription(email=ADDRESS)
    suppress(email=ADDRESS, reason=Suppression.Reason.COMPLAINT, now=NOW)

    assert again(timedelta()).skipped_reason == SignUp.Reason.SUPPRESSED
    assert not smtp_mailers.messages


def test_answer_is_the_same_for_every_address(client: Client) -> None:
    make_subscription(email="active@example.org")
    pending = Subscription.Status.PENDING
    make_subscription(email="pending@example.org", status=pending, confirmed_at=None)
    suppress(email="suppressed@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)

    answers = {
        (response.status_code, response.content, tuple(sorted(response.items())))
        for kind in ("new", "active", "pending", "suppressed")
        for response in [client.post(PATH, {"email": f"{kind}@example.org"})]
    }

    assert len(answers) == 1
    assert client.post(PATH, {"email": "nonsense"}).status_code == 303


def test_page_offers_to_ask_again_and_then_says_that_it_was_done(client: Client) -> None:
    assert "Ask for it again" in client.get(PATH).content.decode()

    answered = client.post(PATH, {"email": ADDRESS}, follow=True)

    page = answered.content.decode()
    assert "another mail is on its way" in page
    assert "Ask for it again" not in page
    assert not answered.cookies


def test_robot_that_asks_again_is_dropped(client: Client) -> None:
    response = client.post(PATH, {"email": ADDRESS, "comment": "buy"})

    assert response.status_code == 303
    assert not SignUp.objects.exists()


def test_asking_again_by_page_waits_for_its_mail(client: Client) -> None:
    client.post(PATH, {"email": ADDRESS})

    assert last_sign_up().is_asked_again
