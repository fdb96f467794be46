"""Row 36: what was needed for a while is gone after it, by the scheduled clean-up and in batches of any size."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from newsletter.subscribers import personal_mail, upkeep
from newsletter.subscribers.models import ConsentRecord, PersonalMail, SignUp, Subscriber
from tests.factories import NOW, make_consent, make_sign_up, make_subscription

pytestmark = pytest.mark.django_db
TRACES = {"ip_address": "203.0.113.77", "user_agent": "Browser 1.0"}
DAY = timedelta(days=1)


def addresses() -> list[tuple[str | None, str]]:
    rows = [*SignUp.objects.values_list("ip_address", "user_agent")]
    return [*rows, *ConsentRecord.objects.values_list("ip_address", "user_agent")]


def test_address_of_the_visitor_becomes_a_network_and_then_nothing(settings: Settings) -> None:
    settings.SHORTEN_IP_AFTER_DAYS, settings.FORGET_IP_AFTER_DAYS = 30, 365
    subscription = make_subscription()
    make_consent(subscription, at=NOW, confirmation_ip="2001:db8:1:2:3::4", **TRACES)
    make_sign_up(subscriptions=[subscription], status="mailed", mailed_at=NOW, **TRACES)
    seen = {}

    for days in (29, 31, 364, 366):
        upkeep.clean_up(NOW + days * DAY)
        seen[days] = (set(addresses()), ConsentRecord.objects.get().confirmation_ip)

    assert seen == {
        29: ({("203.0.113.77", "Browser 1.0")}, "2001:db8:1:2:3::4"),
        31: ({("203.0.113.0", "Browser 1.0")}, "2001:db8:1::"),
        364: ({("203.0.113.0", "Browser 1.0")}, "2001:db8:1::"),
        366: ({(None, "")}, None),
    }


def test_proof_of_consent_outlives_the_traces() -> None:
    record = make_consent(make_subscription(), at=NOW, page_url="https://example.org/story", **TRACES)

    upkeep.clean_up(NOW + 900 * DAY)

    kept = ConsentRecord.objects.get()
    assert (kept.pk, kept.wording, kept.at, kept.page_url) == (record.pk, record.wording, NOW, record.page_url)


def test_address_that_nobody_confirmed_is_forgotten() -> None:
    make_sign_up()
    Subscriber.objects.update(created_at=NOW)
    SignUp.objects.first().subscriptions.update(created_at=NOW)  # type: ignore[union-attr]

    for _turn in range(2):
        upkeep.clean_up(NOW + 9 * DAY)

    assert not SignUp.objects.exists()
    assert not Subscriber.objects.exists()


def test_mail_that_was_asked_for_is_a_row_without_an_address_and_then_no_row() -> None:
    row = personal_mail.ask_for_link(email="stranger@example.org", now=NOW)
    personal_mail.deliver(mail_id=row.pk, now=NOW)
    row.refresh_from_db()

    personal_mail.forget_old(NOW + 31 * DAY)

    assert (row.email, row.status) == ("", "skipped")
    assert not PersonalMail.objects.exists()
