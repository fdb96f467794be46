"""After a crash: nobody is forgotten, and whatever crashes the worker is not tried for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from newsletter.delivery import campaigns, claiming, dispatch, packing, recovering
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

MakeIssue = Callable[..., Issue]


def crash(campaign: Campaign, clock: Clock) -> list[Send]:
    """A worker on another host claims, dies, and its lease runs out. Returns what it held."""
    claim = claiming.claim(campaign, now=clock())
    if claim is None:
        return []
    claim.journal.close()
    clock.wind(minutes=4)
    recovering.recover_abandoned(now=clock())
    return [Send.objects.get(pk=reader.send_pk) for reader in claim.waiting]


def test_after_a_crash_the_suspects_are_tried_one_at_a_time_and_last(
    campaign: Campaign, newsletter: Newsletter, clock: Clock
) -> None:
    held = crash(campaign, clock)
    campaign.sends.filter(pk__in=[held[0].pk, held[1].pk]).update(reason="", attempt_count=0)
    campaign.batches.all().delete()
    packing.pack_strays(campaign)

    first, second = claiming.claim(campaign, now=clock()), claiming.claim(campaign, now=clock())

    assert first is not None
    assert second is not None
    assert [reader.send_pk for reader in first.waiting] == [held[0].pk, held[1].pk]
    assert [reader.send_pk for reader in second.waiting] == [held[2].pk]


def test_send_that_crashes_every_worker_is_given_up_and_the_others_go_out(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    poison = crash(campaign, clock)[0]
    crash(campaign, clock)
    crash(campaign, clock)

    dispatch.drain(campaign, clock=clock, seconds=10)

    poison.refresh_from_db()
    assert (poison.status, poison.reason) == (Send.Status.FAILED, Send.Reason.UNKNOWN)
    assert len(smtp_mailers.messages) == 4
    assert campaign.finish(clock())


def test_database_that_fails_while_outcomes_are_written_repeats_no_mail(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    with connection.execute_wrapper(failing_once()):
        dispatch.drain(campaign, clock=clock, seconds=10)
    dispatch.drain(campaign, clock=clock, seconds=10)

    assert sorted(smtp_mailers.recipients()) == [f"reader{number}@example.org" for number in range(5)]
    assert campaigns.counts(campaign)["sent"] == 5


def failing_once() -> Callable[..., Any]:
    """The database is away for one statement: the first that settles an accepted send."""
    pending: Iterator[bool] = iter([True])

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        is_settling = sql.startswith("UPDATE") and "response" in sql and Send.Status.SENT in (params or ())
        if is_settling and next(pending, False):
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    return wrapper
