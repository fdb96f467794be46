"""The doorbells: however long a campaign takes, the next one can be launched, and rings do not pile up."""

from __future__ import annotations

from typing import Any

import pytest

from config.celery import app
from newsletter.delivery import tasks
from newsletter.delivery.models import Campaign
from tests.factories import make_send


@pytest.mark.django_db(transaction=True)
def test_ring_for_a_campaign_is_dropped_if_nobody_answers_before_the_next_sweep() -> None:
    make_send()

    tasks.sweep()

    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        ring = channel.basic_get("campaigns", no_ack=True)
    assert ring is not None
    assert ring.headers["task"] == tasks.drain.name
    assert ring.headers["expires"] is not None


def test_sweep_does_not_queue_behind_campaigns() -> None:
    queues = {task: app.amqp.router.route({}, task.name)["queue"].name for task in (tasks.sweep, tasks.drain)}

    assert queues == {tasks.sweep: "interactive", tasks.drain: "campaigns"}


@pytest.mark.django_db
def test_message_about_a_campaign_that_is_gone_is_dropped() -> None:
    unknown = 4711

    tasks.drain(campaign_id=unknown)  # it must not raise, or the broker would hand it out again

    assert not Campaign.objects.exists()
