"""A worker that is asked to stop finishes what is with the server, claims nothing more, and leaves nothing held."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from newsletter.delivery import dispatch, stopping, tasks
from newsletter.delivery.models import Batch, Campaign
from tests.delivery.conftest import Clock, books
from tests.servers.smtp import SmtpServer, Stage


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    yield
    stopping.withdraw()


def test_process_that_was_forked_before_hears_of_it() -> None:
    child = os.fork()
    if not child:
        os._exit(0 if _hears_within(seconds=5) else 1)

    tasks.finish_what_is_under_way(sig="SIGTERM")

    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.django_db(transaction=True)
def test_rest_goes_back_and_is_sent_by_the_next_worker(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    hold = smtp_mailers.hold(Stage.STORED, after=2)

    def stop() -> None:
        hold.wait(10)
        stopping.ask()
        hold.release()

    stopper = threading.Thread(target=stop)
    stopper.start()
    dispatch.drain(campaign, clock=clock, seconds=10)
    stopper.join()
    sent = len(smtp_mailers.messages)
    stopped, held = books(campaign), Batch.objects.held().count()
    stopping.withdraw()
    dispatch.drain(campaign, clock=clock, seconds=10)

    assert stopped.get("sent", 0) == sent
    assert held == 0
    assert sorted(smtp_mailers.recipients()) == [f"reader{number}@example.org" for number in range(5)]
    assert books(campaign) == {"sent": 5}


@pytest.mark.django_db(transaction=True)
def test_worker_that_is_stopping_claims_nothing(campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer) -> None:
    stopping.ask()

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert (smtp_mailers.messages, books(campaign)) == ([], {"queued": 5})


def _hears_within(*, seconds: int) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if stopping.is_asked():
            return True
        time.sleep(0.01)
    return False
