from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from articles.models import Feed
from newsletter.delivery.models import Campaign
from newsletter.digests.models import Issue
from newsletter.insights import health, tasks
from tests.config.managing import manage
from tests.factories import NOW, make_campaign, make_feed, make_issue, make_schedule, make_sign_up

pytestmark = pytest.mark.django_db
LONG = timedelta(seconds=health.LATE_SECONDS + 1)


@pytest.fixture
def heartbeat() -> None:
    tasks.heartbeat()


@pytest.mark.usefixtures("heartbeat")
def test_a_site_that_is_well_answers_200_and_says_what_it_looked_at(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert set(response.json()["checks"]) == {"database", "broker", "heartbeat", "waiting"}
    assert response.json()["attention"] == {
        "held_back_sites": 0,
        "held_issues": 0,
        "paused_campaigns": 0,
        "stuck_campaigns": 0,
        "failing_feeds": 0,
        "gone_feeds": 0,
        "transports_left_out": 0,
        "sign_up_attacks": 0,
    }
    assert "no-store" in response["Cache-Control"]


def test_a_heartbeat_that_stopped_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "STARTED_AT", health.STARTED_AT - health.STALE_SECONDS)
    health.record_heartbeat(now=timezone.now() - timedelta(seconds=health.STALE_SECONDS + 5))

    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json()["checks"]["heartbeat"]["ok"] is False
    assert response.json()["checks"]["heartbeat"]["seconds"] >= health.STALE_SECONDS + 5


@pytest.mark.parametrize("beat_before", [None, timedelta(days=1)])
def test_a_site_that_has_just_started_is_given_time_for_its_next_heartbeat(beat_before: timedelta | None) -> None:
    if beat_before:
        health.record_heartbeat(now=NOW - beat_before)

    assert health.check_heartbeat(now=NOW, uptime=5).is_ok
    assert not health.check_heartbeat(now=NOW, uptime=health.STALE_SECONDS + 1).is_ok


@pytest.mark.parametrize("kind", ["sign-up", "schedule", "issue", "feed"])
def test_work_that_nobody_takes_up_is_503(client: Client, kind: str) -> None:
    since = timezone.now() - LONG
    match kind:
        case "sign-up":
            make_sign_up(created_at=since)
        case "schedule":
            make_schedule(next_run_at=since)
        case "issue":
            make_issue(status=Issue.Status.APPROVED, approved_at=since, send_at=since)
        case "feed":
            make_feed(next_poll_at=since)

    response = client.get("/healthz")

    assert response.status_code == 503
    assert response.json()["checks"]["waiting"]["ok"] is False
    assert response.json()["checks"]["waiting"]["seconds"] > health.LATE_SECONDS


@pytest.mark.usefixtures("heartbeat")
def test_work_that_is_not_due_yet_is_none_of_its_business(client: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    make_feed(next_poll_at=later)
    make_issue(status=Issue.Status.APPROVED, approved_at=NOW, send_at=later)

    assert client.get("/healthz").status_code == 200


@pytest.mark.usefixtures("heartbeat")
def test_what_waits_for_a_person_is_shown_but_no_outage(client: Client) -> None:
    make_issue(status=Issue.Status.HELD, reason="template error")
    make_campaign(status=Campaign.Status.PAUSED, reason="the relay refuses us")
    make_campaign(
        status=Campaign.Status.PAUSED, reason="the relay is away", resume_at=timezone.now() + timedelta(hours=1)
    )
    make_campaign(failing_since=timezone.now() - timedelta(minutes=6))
    make_feed(failure_count=3, next_poll_at=timezone.now() + timedelta(hours=1))
    make_feed(failure_count=3, status=Feed.Status.GONE)

    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json()["attention"] == {
        "held_back_sites": 0,
        "held_issues": 1,
        "paused_campaigns": 1,
        "stuck_campaigns": 1,
        "failing_feeds": 1,
        "gone_feeds": 1,
        "transports_left_out": 0,
        "sign_up_attacks": 0,
    }


def test_without_database_and_broker_it_still_answers_and_tells_no_secret() -> None:
    look = "from django.test import Client; a = Client().get('/healthz', headers={'host': 'localhost'})"
    look += "; print(a.status_code, a.text)"

    shown = manage(
        "shell", "-v0", "-c", look,
        DATABASE_URL="postgres://user:database-secret@127.0.0.1:1/news", REDIS_URL="redis://:broker-secret@127.0.0.1:1/0",
    )  # fmt: skip

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("503 ")
    assert '"database": {"ok": false' in shown.stdout
    assert '"broker": {"ok": false' in shown.stdout
    assert "secret" not in shown.stdout
    assert "127.0.0.1" not in shown.stdout


def test_the_web_process_alone_is_well_without_a_scheduler(client: Client) -> None:
    make_sign_up(created_at=timezone.now() - LONG)

    response = client.get("/healthz/web")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": {"ok": True, "detail": "answers"}},
        "attention": {},
    }


def test_health_is_told_without_https_to_who_is_inside(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz/web").status_code == 200
    assert client.get("/metrics").status_code == 200
    assert client.get("/").status_code == 301


@pytest.mark.parametrize("path", ["/healthz", "/healthz/web", "/metrics"])
def test_nothing_is_changed_by_asking(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path).status_code in {200, 503}
