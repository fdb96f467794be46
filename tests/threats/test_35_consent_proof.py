"""Rows 34, 35 and 36: what is proof stays as it was, what is nobody's business goes, and what is old goes by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from pytest_django import Settings

from newsletter.delivery import retention as delivery_retention
from newsletter.delivery.mailbox.store import keep
from newsletter.delivery.models import Campaign, MailboxMessage, Send
from newsletter.engagement import retention as engagement_retention
from newsletter.engagement.models import Event
from newsletter.subscribers import privacy, retention, upkeep
from newsletter.subscribers.models import AppendOnlyError, ConsentRecord, SignUp, Subscriber, Suppression
from newsletter.subscribers.signup import confirm, sign_up
from tests.factories import NOW, make_campaign, make_newsletter, make_send, make_subscriber, make_subscription
from tests.subscribers.forms import form

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def consent(*, ip_address: str = "203.0.113.77", confirmation_ip: str = "2001:db8:1:2:3::9") -> ConsentRecord:
    given = form(make_newsletter(), ip_address=ip_address, user_agent="Firefox", page_url="https://n.example/a")
    row = sign_up(form=given, now=NOW)
    assert row
    confirm(sign_up=row, now=NOW, ip_address=confirmation_ip)
    return ConsentRecord.objects.latest("pk")


def traces(record: ConsentRecord) -> tuple[Any, ...]:
    record.refresh_from_db()
    return record.ip_address, record.confirmation_ip, record.user_agent


def test_consent_cannot_be_changed_or_deleted() -> None:
    record = consent()

    for attempt in (
        record.save,
        record.delete,
        ConsentRecord.objects.all().delete,
        lambda: ConsentRecord.objects.update(note="x"),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()


def test_ip_addresses_become_networks_after_a_month_and_vanish_after_a_year() -> None:
    record = consent()
    seen = []
    for age in (29, 30, 364, 365):
        retention.clean_up(NOW + age * DAY)
        seen.append(traces(record))

    whole, cut, gone = (
        ("203.0.113.77", "2001:db8:1:2:3::9", "Firefox"),
        ("203.0.113.0", "2001:db8:1::", "Firefox"),
        (None, None, ""),
    )
    assert seen == [whole, cut, cut, gone]
    assert record.at == NOW
    assert record.wording is not None
    row = SignUp.objects.get()
    assert (row.ip_address, row.user_agent) == (None, "")


def test_shortening_does_each_row_once() -> None:
    consent()
    consent()

    first, second = (retention.clean_up(NOW + 40 * DAY)["ip_addresses_shortened"] for _turn in range(2))

    assert (first, second) == (4, 0)


def test_whoever_did_not_confirm_is_forgotten_after_a_week_and_a_day(settings: Settings) -> None:
    sign_up(form=form(make_newsletter()), now=NOW)
    Subscriber.objects.update(created_at=NOW)
    person = Subscriber.objects.get()
    person.subscriptions.update(created_at=NOW)

    upkeep.clean_up(NOW + 7 * DAY)
    kept = Subscriber.objects.exists()
    upkeep.clean_up(NOW + 8 * DAY)

    assert kept
    assert not Subscriber.objects.exists()
    assert not SignUp.objects.exists()


def test_servers_words_go_after_half_a_year_and_the_outcome_stays() -> None:
    young, old = (make_campaign(status=Campaign.Status.FINISHED, finished_at=NOW - age * DAY) for age in (179, 181))
    for campaign in (young, old):
        make_send(campaign=campaign, status=Send.Status.SENT, response="250 ok for reader@example.org")

    delivery_retention.clean_up(NOW)
    delivery_retention.clean_up(NOW)

    assert list(Send.objects.filter(campaign=old).values_list("status", "response")) == [("sent", "")]
    assert Send.objects.get(campaign=young).response
    old.refresh_from_db()
    assert old.forgotten_at == NOW


def test_detail_of_events_goes_after_a_month() -> None:
    for age, key in ((29, "young"), (31, "old")):
        Event.objects.create(
            kind="bounced",
            source="x",
            source_id=key,
            address_hash="h",
            detail="550 no reader@example.org",
            at=NOW - age * DAY,
        )

    engagement_retention.clean_up(NOW)

    assert list(Event.objects.order_by("at").values_list("source_id", "detail", "address_hash")) == [
        ("old", "", ""),
        ("young", "550 no reader@example.org", "h"),
    ]


def test_erasing_reaches_every_table_and_leaves_a_keyed_hash() -> None:
    email = "Jane.Doe@example.org"
    subscription = make_subscription(subscriber=make_subscriber(email=email, name="Jane Doe"))
    make_send(campaign=make_campaign(), subscriber=subscription.subscriber)
    record = consent()
    row = sign_up(form=form(subscription.newsletter, email=email, ip_address="203.0.113.9"), now=NOW)
    assert row
    keep([("jane.doe@example.org", b"Subject: x\r\n\r\nHello Jane"), ("other@example.org", b"Subject: x\r\n\r\n.")])

    privacy.erase(subscriber=subscription.subscriber, now=NOW)
    delivery_retention.clean_up(NOW)

    assert found_anywhere("jane") == []
    assert found_anywhere("203.0.113.9") == []
    suppression = Suppression.objects.get()
    assert (suppression.reason, suppression.email, len(suppression.address_hash)) == ("erased", "", 64)
    assert list(MailboxMessage.objects.values_list("recipient", flat=True)) == ["other@example.org"]
    assert traces(record)[0]  # somebody else's consent is untouched


def found_anywhere(text: str) -> list[str]:
    """Every column of every table of ours in which this text stands."""
    places = []
    for model in apps.get_models():
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = field.value_from_object(row)
                shown = bytes(value).decode(errors="replace") if isinstance(field, models.BinaryField) else str(value)
                if text in shown.lower():
                    places.append(f"{model.__name__}.{field.name}")
    return places
