"""Reports of providers: kept once, acted upon once, whatever the order, and only about people of ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.engagement.feedback import Report, record
from newsletter.engagement.models import Event
from newsletter.subscribers.models import ConsentRecord, Subscription, Suppression
from tests.factories import NOW, make_send, make_subscription

pytestmark = pytest.mark.django_db

BOUNCE = Report(source="postmark", kind="bounced", recipient="ada@example.org", at=NOW, source_id="1", is_hard=True)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (BOUNCE, "hard_bounce"),
        (replace(BOUNCE, kind="complained", is_hard=False), "complaint"),
    ],
)
def test_hard_bounce_and_complaint_suppress_the_address(report: Report, reason: str) -> None:
    make_subscription(email="ada@example.org")

    record(report, now=NOW)

    assert Suppression.objects.get().reason == reason


@pytest.mark.parametrize(
    "report",
    [
        replace(BOUNCE, kind="deferred"),
        replace(BOUNCE, is_hard=False),
        replace(BOUNCE, kind="delivered"),
    ],
)
def test_reports_that_are_no_fault_of_the_address_suppress_nobody(report: Report) -> None:
    make_subscription(email="ada@example.org")

    record(report, now=NOW)

    assert Event.objects.count() == 1
    assert not Suppression.objects.exists()


def test_report_about_a_stranger_suppresses_nobody() -> None:
    record(BOUNCE, now=NOW)

    assert not Suppression.objects.exists()


def test_repeated_report_is_kept_once() -> None:
    make_subscription(email="ada@example.org")

    results = [record(BOUNCE, now=NOW) for _ in range(3)]

    assert results == [True, False, False]
    assert Event.objects.count() == Suppression.objects.count() == 1


def test_report_without_an_id_is_known_by_what_it_says() -> None:
    nameless = replace(BOUNCE, source_id="")

    results = [record(nameless, now=NOW), record(nameless, now=NOW + timedelta(hours=1))]

    assert results == [True, False]


def test_late_delivery_report_does_not_take_a_suppression_back() -> None:
    make_subscription(email="ada@example.org")
    record(BOUNCE, now=NOW)

    record(replace(BOUNCE, kind="delivered", source_id="2"), now=NOW)

    assert Suppression.objects.count() == 1


def test_unsubscribe_report_ends_the_subscription_of_that_send() -> None:
    subscription = make_subscription(email="ada@example.org")
    send = make_send(subscription=subscription)

    record(replace(BOUNCE, kind="unsubscribed", send_pk=send.pk), now=NOW)

    subscription.refresh_from_db()
    assert subscription.status == Subscription.Status.ENDED
    assert ConsentRecord.objects.get().method == ConsentRecord.Method.FEEDBACK


def test_unknown_kind_is_not_kept() -> None:
    assert record(replace(BOUNCE, kind="queued"), now=NOW) is False
    assert not Event.objects.exists()


def test_detail_keeps_no_address() -> None:
    make_subscription(email="ada@example.org")

    record(replace(BOUNCE, detail="smtp;550 5.1.1 <Ada@Example.org>: no such user"), now=NOW)

    assert Event.objects.get().detail == "smtp;550 5.1.1 <a…@example.org>: no such user"
    assert "ada@" not in Suppression.objects.get().note.lower()
