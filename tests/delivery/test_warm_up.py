"""Warm-up plans: what a day may bring, for all workers together, and how it rises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from newsletter.delivery import campaigns, dispatch, sweeping
from newsletter.delivery.models import Campaign, SpeedLimit, WarmUp, WarmUpDay
from newsletter.delivery.throttle import alarms, rations
from newsletter.digests.models import Issue
from tests.delivery.conftest import Clock, books
from tests.delivery.test_switchboard import by_transport, use
from tests.factories import NOW
from tests.servers.smtp import SmtpServer

__all__ = ["use"]

TODAY = NOW.date()
MIDNIGHT = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC) + timedelta(days=1)


def plan(**fields: object) -> WarmUp:
    """Two mails on the first day, three on the second, four on the third; done then."""
    values = {"transport": "campaigns", "first_ceiling": 2, "growth_percent": 50, "last_ceiling": 6, **fields}
    return WarmUp.objects.create(**values)


def again(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("issue__newsletter").get(pk=campaign.pk)


# --- the plan itself --------------------------------------------------------------------------------------------------
@given(first=st.integers(10, 5_000), growth=st.integers(5, 200), times=st.floats(1, 1_000))
def test_ceilings_rise_to_the_last_and_no_further(first: int, growth: int, times: float) -> None:
    warm_up = WarmUp(first_ceiling=first, growth_percent=growth, last_ceiling=int(first * times))

    days = list(warm_up.days_after(TODAY))

    ceilings = [warm_up.ceiling, *(day.ceiling for day in days)]
    assert len(days) == max(warm_up.steps - 1, 0)
    assert ceilings == sorted(ceilings)
    assert all(first <= ceiling <= warm_up.last_ceiling for ceiling in ceilings)
    assert warm_up.done_on(TODAY) == (days[-1].day + timedelta(days=1) if days else TODAY + timedelta(warm_up.steps))
    one_more = WarmUp(first_ceiling=first, growth_percent=growth, last_ceiling=warm_up.last_ceiling, step=warm_up.steps)
    assert one_more.ceiling >= warm_up.last_ceiling * (1 - 1 / first)


def test_plan_in_figures() -> None:
    warm_up = WarmUp(first_ceiling=500, growth_percent=50, last_ceiling=100_000)

    assert [day.ceiling for day in warm_up.days_after(TODAY)][:3] == [750, 1125, 1687]
    assert warm_up.done_on(date(2026, 11, 1)) == date(2026, 11, 15)
    warm_up.trouble = "421 too many"
    assert [day.ceiling for day in warm_up.days_after(TODAY)][:3] == [500, 750, 1125]
    assert warm_up.done_on(date(2026, 11, 1)) == date(2026, 11, 16)


# --- what workers take ------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_day_rises_if_half_of_the_one_before_was_used() -> None:
    plan(first_ceiling=100, last_ceiling=1_000)

    taken = [rations.take("campaigns", now=NOW) for _ in range(150)]
    tomorrow = [rations.take("campaigns", now=NOW + timedelta(days=1)) for _ in range(10)]
    day_after = rations.states(["campaigns"], now=NOW + timedelta(days=2))

    assert (sum(map(int, filter(None, taken))), taken[-1]) == (100, 0)
    assert sum(map(int, filter(None, tomorrow))) == 10
    assert next(day_after).ceiling == 150  # ten of 150 are no proof of anything
    ended = WarmUpDay.objects.get()
    assert (ended.day, ended.ceiling, ended.used) == (TODAY, 100, 100)


@pytest.mark.django_db
def test_nothing_rises_after_a_day_on_which_something_went_wrong() -> None:
    plan(first_ceiling=10, last_ceiling=100, used=10, day=TODAY)

    rations.note_trouble("gmail.com: 421 too many", now=NOW)
    rations.note_trouble("outlook.com: 451 later", now=NOW)
    rations.take("campaigns", now=NOW + timedelta(days=1))

    assert WarmUp.objects.get().ceiling == 10
    assert WarmUpDay.objects.get().trouble == "gmail.com: 421 too many"


@pytest.mark.django_db
def test_plan_that_has_come_to_its_end_is_no_limit() -> None:
    plan(step=2, used=4, day=TODAY)

    assert rations.take("campaigns", now=NOW) == 0
    assert rations.take("campaigns", now=NOW + timedelta(days=1)) is None
    assert WarmUp.objects.get().finished_on == TODAY + timedelta(days=1)


@pytest.mark.django_db
def test_clock_that_is_set_back_gives_no_second_ration() -> None:
    plan(used=2, day=TODAY)

    assert rations.take("campaigns", now=NOW - timedelta(days=1)) == 0


@pytest.mark.django_db(transaction=True)
def test_workers_together_take_exactly_what_a_day_may_bring() -> None:
    plan(first_ceiling=60, last_ceiling=1_000)

    def work(_number: int) -> int:
        share = rations.Ration("campaigns", is_urgent=False, now=NOW)
        used = 0
        try:
            while share.has_some(NOW):
                share.use_one()
                used += 1
        finally:
            share.close()
            connection.close()
        return used

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 60


@pytest.mark.django_db
def test_what_a_worker_did_not_use_is_anothers() -> None:
    plan(first_ceiling=1_000, last_ceiling=10_000)
    share = rations.Ration("campaigns", is_urgent=False, now=NOW)
    assert share.has_some(NOW)
    share.use_one()

    share.close()

    assert WarmUp.objects.get().used == 1


@pytest.mark.django_db
def test_alarm_and_slow_down_are_trouble(campaign: Campaign) -> None:
    plan(day=TODAY)
    alarms.stop(campaign, reason="Stopped by itself.", now=NOW, accepted=1, refused=9)

    assert WarmUp.objects.get().trouble == "Stopped by itself."


# --- campaigns --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_campaign_hands_over_what_a_day_may_bring_and_goes_on_at_midnight(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    plan()

    dispatch.drain(again(campaign), clock=clock, seconds=30)
    campaign.refresh_from_db()

    assert len(smtp_mailers.messages) == 2
    assert (campaign.status, campaign.resume_at) == ("paused", MIDNIGHT)
    assert campaign.reason.startswith("The warm-up of campaigns lets no more mails go today. It goes on ")

    assert list(campaigns.resume_due(now=MIDNIGHT)) == [campaign]
    dispatch.drain(again(campaign), clock=lambda: MIDNIGHT, seconds=30)

    assert len({message.recipients[0] for message in smtp_mailers.messages}) == 5
    assert books(campaign) == {"sent": 5}


@pytest.mark.django_db
def test_campaign_that_a_day_just_brings_is_finished_and_does_not_wait(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    plan(first_ceiling=5)

    dispatch.drain(again(campaign), clock=clock, seconds=30)
    list(sweeping.sweep(now=clock()))

    assert again(campaign).status == "finished"
    assert WarmUp.objects.get().used == 5


@pytest.mark.django_db
def test_alert_is_not_kept_waiting_and_counts(campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer) -> None:
    plan()
    Issue.objects.update(is_alert=True)

    dispatch.drain(again(campaign), clock=clock, seconds=30)

    assert len(smtp_mailers.messages) == 5
    assert WarmUp.objects.get().used == 5


@pytest.mark.django_db(transaction=True)
def test_another_transport_takes_what_does_not_fit(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer
) -> None:
    plan(transport="new")
    use(f"new={smtp_server.url} old={smtp_server.url}?order=2")

    dispatch.drain(again(campaign), clock=clock, seconds=30)
    campaign.refresh_from_db()

    assert by_transport() == {"new": 2, "old": 3}
    assert campaign.status != "paused"


@pytest.mark.django_db(transaction=True)
def test_where_all_transports_have_done_their_days_work_the_campaign_waits_for_tomorrow(
    campaign: Campaign, clock: Clock, use: Callable[..., None], smtp_server: SmtpServer
) -> None:
    plan(transport="new", first_ceiling=1, last_ceiling=10)
    plan(transport="newer", first_ceiling=1, last_ceiling=10)
    use(f"new={smtp_server.url} newer={smtp_server.url}")

    dispatch.drain(again(campaign), clock=clock, seconds=30)
    campaign.refresh_from_db()

    assert by_transport() == {"new": 1, "newer": 1}
    assert (campaign.status, campaign.resume_at) == ("paused", MIDNIGHT)


# --- the desk ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_plan_is_made_and_told_at_the_desk(admin_client: Client, settings: Settings) -> None:
    add = reverse("admin:delivery_warmup_add")
    values = {"transport": "campaigns", "first_ceiling": "500", "growth_percent": "50", "last_ceiling": "100000"}

    refused = admin_client.post(add, values | {"last_ceiling": "100"})
    unknown = admin_client.post(add, values | {"transport": "nowhere"})
    admin_client.post(add, values)
    made = WarmUp.objects.get()
    page = admin_client.get(reverse("admin:delivery_warmup_change", args=[made.pk])).text

    assert "The last day brings no fewer mails than the first." in refused.text
    assert "There is no transport “nowhere”." in unknown.text
    assert "Day 1 of 14: 0 of 500 mails today." in page
    assert "1,125" in page


@pytest.mark.django_db
def test_plan_is_ended_at_the_desk(admin_client: Client) -> None:
    made = plan()
    values = {"action": "finish", "_selected_action": [made.pk]}

    answer = admin_client.post(reverse("admin:delivery_warmup_changelist"), values, follow=True)
    page = admin_client.get(reverse("admin:delivery_warmup_change", args=[made.pk])).text

    assert "no ceiling" in answer.text
    assert "no ceiling any more" in page


@pytest.mark.django_db
def test_campaigns_page_tells_what_todays_ration_is(admin_client: Client, campaign: Campaign) -> None:
    plan(first_ceiling=1_500, last_ceiling=2_000)
    SpeedLimit.objects.create(name="gmail.com", per_second=0.2)

    page = admin_client.get(reverse("admin:delivery_campaign_change", args=[campaign.pk])).text

    assert "Warm-up of campaigns" in page
    assert "0 of 1,500 mails today" in page
