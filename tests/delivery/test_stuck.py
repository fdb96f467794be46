"""A campaign that tries again and again while its mail server stays away."""

from __future__ import annotations

import pytest

from newsletter.delivery import dispatch, sweeping
from newsletter.delivery.models import Campaign
from tests.delivery.conftest import Clock, books
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)


def try_again(clock: Clock, *, minutes: int) -> None:
    clock.wind(minutes=minutes)
    for each in sweeping.sweep(now=clock()):
        dispatch.drain(each, clock=clock, seconds=10)


def is_stuck(clock: Clock) -> bool:
    return Campaign.objects.stuck(clock()).exists()


def test_counts_from_the_first_try_that_failed_until_a_mail_is_accepted(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    began_at = clock()
    smtp_mailers.stop()
    dispatch.drain(campaign, clock=clock, seconds=10)
    seen = [is_stuck(clock)]
    for _try in range(3):
        try_again(clock, minutes=2)
        seen.append(is_stuck(clock))
    campaign.refresh_from_db()
    failing_since = campaign.failing_since
    smtp_mailers.start()
    try_again(clock, minutes=2)

    assert seen == [False, False, False, True]
    assert failing_since == began_at
    campaign.refresh_from_db()
    assert (campaign.failing_since, books(campaign)) == (None, {"sent": 5})
    assert not is_stuck(clock)


def test_stands_while_it_tries_and_not_where_somebody_decided(campaign: Campaign, clock: Clock) -> None:
    campaign.wait(reason="The mail server cannot be reached", resume_at=clock(), now=clock())
    campaign.resume(clock())
    clock.wind(minutes=6)

    assert is_stuck(clock)
    assert campaign.hold(reason="Held by Ada.")
    assert not is_stuck(clock)
    campaign.resume(clock())
    assert not is_stuck(clock)
