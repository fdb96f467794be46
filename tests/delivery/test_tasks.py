"""The doorbells: however long a campaign takes, the next one can be launched, and rings do not pile up."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest

from config.celery import app
from newsletter.delivery import tasks
from newsletter.delivery.models import Campaign
from newsletter.digests.models import Issue
from newsletter.insights.metrics import PROMPT_QUEUES, QUEUES
from newsletter.lib import doorbell
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


def test_what_is_urgent_queues_behind_neither_campaigns_nor_sweeps() -> None:
    every = {
        each: app.amqp.router.route({}, each)["queue"].name for each in app.tasks if not each.startswith("celery.")
    }
    prompt = {name.rpartition(".")[2] for name, queue in every.items() if queue in PROMPT_QUEUES}

    assert prompt == {"send_confirmation", "send_personal_mail", "send_welcome", "sweep_alerts"}
    assert every[tasks.sweep.name] == "sweeps"
    assert every[tasks.drain.name] == every[tasks.fill.name] == "campaigns"
    assert set(every.values()) <= set(QUEUES)


@pytest.mark.django_db(transaction=True)
def test_alert_is_rung_for_once_where_confirmations_are_made_too_and_elsewhere_for_who_has_time() -> None:
    news, alert = make_send(), make_send()
    Issue.objects.filter(pk=alert.campaign.issue_id).update(is_alert=True)

    tasks.sweep()
    tasks.sweep_alerts()

    assert rung("urgent") == [alert.campaign_id]
    assert sorted(rung("campaigns")) == [news.campaign_id, news.campaign_id, alert.campaign_id]


def rung(queue: str) -> list[int]:
    """The campaigns that somebody rang for in this queue, as often as they did."""
    found = []
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        while ring := channel.basic_get(queue, no_ack=True):
            found.append(ring.decode()[1]["campaign_id"])
    return found


@pytest.mark.django_db
def test_message_about_a_campaign_that_is_gone_is_dropped() -> None:
    unknown = 4711

    tasks.drain(campaign_id=unknown)  # it must not raise, or the broker would hand it out again

    assert not Campaign.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_broker_that_goes_away_meanwhile_stops_no_sweep_and_costs_one_line(
    broker_is_away: None, caplog: pytest.LogCaptureFixture
) -> None:
    make_send(), make_send()

    tasks.sweep()
    tasks.sweep_alerts()

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "The broker does not answer (OperationalError); newsletter.delivery.tasks.drain waits for the sweep."
    ]


@pytest.fixture
def broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for name in ("broker_url", "broker_read_url", "broker_write_url"):
        monkeypatch.setitem(app.conf, name, f"redis://127.0.0.1:{port}/0")
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    monkeypatch.setattr(doorbell, "_silent_until", 0.0)
