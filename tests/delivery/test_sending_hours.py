"""The hours in which a newsletter hands mails over: at others a campaign pauses, and goes on by itself."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Campaign
from newsletter.delivery.throttle import windows
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock
from tests.factories import NOW
from tests.servers.smtp import SmtpServer

HOURS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end", "now", "opens"),
    [
        (8, 20, "2026-11-23T07:59+01:00", "2026-11-23T08:00+01:00"),
        (8, 20, "2026-11-23T08:00+01:00", None),
        (8, 20, "2026-11-23T19:59+01:00", None),
        (8, 20, "2026-11-23T20:00+01:00", "2026-11-24T08:00+01:00"),
        (20, 6, "2026-11-23T03:00+01:00", None),
        (20, 6, "2026-11-23T06:00+01:00", "2026-11-23T20:00+01:00"),
        (8, 8, "2026-11-23T03:00+01:00", None),
        (2, 3, "2026-03-28T12:00+01:00", "2026-03-29T03:00+02:00"),  # the hour from 2 to 3 is skipped that night
    ],
)
def test_hours_open_in_the_newsletters_zone(start: int, end: int, now: str, opens: str | None) -> None:
    newsletter = Newsletter(time_zone="Europe/Paris", sends_from=time(start), sends_until=time(end))

    assert windows.opens_at(newsletter, moment(now)) == (moment(opens) if opens else None)


@given(start=HOURS, end=HOURS, zone=ZONES, minutes=st.integers(0, 60 * 24 * 365 * 3))
def test_what_opens_is_open_and_what_closes_is_closed(start: time, end: time, zone: str, minutes: int) -> None:
    newsletter = Newsletter(time_zone=zone, sends_from=start, sends_until=end)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)

    opening = windows.opens_at(newsletter, now)
    closing = windows.closes_at(newsletter, opening or now)

    assert opening is None or now < opening <= now + timedelta(hours=25)
    assert (closing is None) is (start == end)
    assert closing is None or closing > (opening or now)


@pytest.mark.django_db
def test_campaign_pauses_outside_its_hours_and_goes_on_by_itself(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    begins, ends = (NOW + timedelta(hours=2)).time(), (NOW + timedelta(hours=3)).time()
    Newsletter.objects.update(sends_from=begins, sends_until=ends, time_zone="UTC")
    campaign = Campaign.objects.select_related("issue__newsletter").get(pk=campaign.pk)

    dispatch.drain(campaign, clock=clock, seconds=30)
    campaign.refresh_from_db()

    assert (campaign.status, len(smtp_mailers.messages)) == ("paused", 0)
    assert campaign.resume_at == NOW.replace(microsecond=0, second=0) + timedelta(hours=2)
    assert "outside the newsletter's hours" in campaign.reason

    later = NOW + timedelta(hours=2, minutes=1)
    assert list(campaigns.resume_due(now=later)) == [campaign]
    campaign = Campaign.objects.select_related("issue__newsletter").get(pk=campaign.pk)
    dispatch.drain(campaign, clock=lambda: later, seconds=30)

    assert len(smtp_mailers.messages) == 5


@pytest.mark.django_db
def test_alert_knows_no_hours(campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer) -> None:
    ends = (NOW + timedelta(hours=3)).time()
    Newsletter.objects.update(sends_from=(NOW + timedelta(hours=2)).time(), sends_until=ends, time_zone="UTC")
    Issue.objects.update(is_alert=True)
    campaign = Campaign.objects.select_related("issue__newsletter").get(pk=campaign.pk)

    dispatch.drain(campaign, clock=clock, seconds=30)

    assert len(smtp_mailers.messages) == 5
