"""A campaign of which too much comes back, or that too many call spam, stops and waits for a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from newsletter.delivery import tallies
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate
from newsletter.engagement.feedback import Report, record
from newsletter.engagement.models import Event
from tests.factories import NOW, make_campaign, make_send, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(settings: Settings) -> Campaign:
    """Being sent; a hundred readers' mails were accepted, ten of them have rows here."""
    settings.BOUNCE_ALARM_MAILS = 100
    settings.COMPLAINT_ALARM_PERCENT = 5.0
    made = make_campaign(started_at=NOW)
    tallies.add(made.pk, [("", Fate.ACCEPTED)] * 100, now=NOW)
    for number in range(10):
        reader = make_subscription(newsletter=made.issue.newsletter, email=f"r{number}@example.org")
        make_send(campaign=made, subscription=reader, status=Send.Status.SENT, settled_at=NOW)
    return made


def reported(campaign: Campaign, kind: str, count: int, *, begin: int = 0) -> str:
    """So many readers' reports, each twice. The campaign's status then."""
    for send in campaign.sends.select_related("subscriber").order_by("pk")[begin : begin + count]:
        assert send.subscriber
        for time in ("first", "again"):
            report = Report(
                source="test", kind=kind, recipient=send.subscriber.email, at=NOW, source_id=f"{send.pk}-{time}",
                send_pk=send.pk,
            )  # fmt: skip
            record(report, now=NOW)
    campaign.refresh_from_db()
    return campaign.status


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Event.Kind.COMPLAINED, "6 of 100 readers called it spam"), (Event.Kind.BOUNCED, "6 of 100 mails came back")],
)
def test_too_many_reports_stop_it_and_as_many_again_stop_it_again(campaign: Campaign, kind: str, words: str) -> None:
    assert reported(campaign, kind, 5) == "sending"
    assert reported(campaign, kind, 1, begin=5) == "paused"
    assert words in campaign.reason
    assert campaign.resume_at is None

    campaign.resume(NOW)

    assert reported(campaign, kind, 4, begin=6) == "sending"


def test_reports_of_earlier_years_are_not_read(campaign: Campaign, settings: Settings) -> None:
    """A row for each bounce there ever was would be counted for every new one."""
    with CaptureQueriesContext(connection) as queries:
        reported(campaign, Event.Kind.BOUNCED, 2)

    counting = [query["sql"] for query in queries if "COUNT(" in query["sql"] and "engagement_event" in query["sql"]]
    assert counting
    assert all(f"{(NOW - timedelta(days=1)):%Y-%m-%d}" in sql for sql in counting)


def test_few_mails_and_finished_campaigns_stop_for_nobody(campaign: Campaign, settings: Settings) -> None:
    settings.BOUNCE_ALARM_MAILS = 101
    assert reported(campaign, Event.Kind.COMPLAINED, 8) == "sending"
    settings.BOUNCE_ALARM_MAILS = 100
    Campaign.objects.filter(pk=campaign.pk).update(status="finished", finished_at=NOW)

    assert reported(campaign, Event.Kind.COMPLAINED, 1, begin=8) == "finished"
