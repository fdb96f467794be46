"""A turn that something ends from outside, wherever it is, as the time limit of its task does."""

from __future__ import annotations

import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from pytest_django import Settings

from config import environment
from newsletter.delivery import dispatch, recovering
from newsletter.delivery.models import Campaign, Send
from tests.delivery.conftest import Clock, books
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db(transaction=True)


def drain(campaign: Campaign, clock: Clock) -> None:
    dispatch.drain(campaign, clock=clock, seconds=10)


@contextmanager
def out_of_time(*, after: float) -> Iterator[None]:
    def is_over(_signal: int, _frame: FrameType | None) -> None:
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGALRM, is_over)
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(SoftTimeLimitExceeded):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_turn_that_ends_out_of_season_leaves_what_was_under_way_as_unknown(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    """As the time limit of a task does that hangs, wherever it is."""
    hold = smtp_mailers.hold(Stage.STORED)
    smtp_mailers.refuse(Stage.RCPT, "450 4.2.0 greylisted", recipient="reader2@example.org", times=1)
    with out_of_time(after=1):
        drain(campaign, clock)
    hold.release()

    recovering.recover_abandoned(now=clock())
    suspects = set(campaign.sends.filter(reason=Send.Reason.UNKNOWN).values_list("subscriber__email", flat=True))
    for _ in range(4):
        Campaign.objects.get(pk=campaign.pk).resume(clock())
        drain(campaign, clock)
        clock.wind(hours=2)

    copies = Counter(smtp_mailers.recipients())
    assert suspects
    assert {reader for reader, count in copies.items() if count > 1} <= suspects
    assert max(copies.values()) == 2
    assert books(campaign) == {"sent": 5}


def test_repeat_that_never_got_a_connection_is_not_given_up(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, settings: Settings
) -> None:
    """A second death counts only if the mail was let go."""
    campaign.sends.update(reason=Send.Reason.UNKNOWN, attempt_count=1)
    good = settings.MAILERS
    with socket.create_server(("127.0.0.1", 0)) as never_greets:
        mute = environment.mailer("MAILER_URL", f"smtp://127.0.0.1:{never_greets.getsockname()[1]}")
        settings.MAILERS = {"default": mute, "campaigns": mute}
        with out_of_time(after=1):
            drain(campaign, clock)

    recovering.recover_abandoned(now=clock())
    waiting = books(campaign)
    settings.MAILERS = good
    for _ in range(2):
        Campaign.objects.get(pk=campaign.pk).resume(clock())
        drain(campaign, clock)

    assert waiting == {"queued": 5}
    assert books(campaign) == {"sent": 5}
    assert max(Counter(smtp_mailers.recipients()).values()) == 1
