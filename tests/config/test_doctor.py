from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from config import environment
from config.diagnosis import configuration, machinery, newsletters
from config.diagnosis.finding import Finding, Level
from newsletter.delivery.models import TransportOutage
from newsletter.insights import health
from newsletter.subscribers.models import Cadence, Newsletter
from tests.broker import running
from tests.config.managing import manage
from tests.factories import NOW, make_newsletter, make_schedule, make_sign_up
from tests.servers.http import HttpServer
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def public(settings: Settings) -> Settings:
    """A site for the world, set up as it should be."""
    settings.SITE_URL = "https://news.example.org"
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ADDRESS_HASH_KEY, settings.METRICS_TOKEN = "a key of its own", "token"
    return settings


def levels(findings: Iterable[Finding]) -> dict[str, Level]:
    return {finding.name: finding.level for finding in findings}


def sentences(findings: Iterable[Finding]) -> str:
    return "\n".join(finding.sentence for finding in findings)


# --- machinery --------------------------------------------------------------------------------------------------------


def test_database_and_disk_are_well_here() -> None:
    assert levels(machinery.database()) == {"database": Level.WELL}
    assert set(levels(machinery.disk()).values()) == {Level.WELL}


def test_a_fresh_heartbeat_shows_that_scheduler_and_workers_are_well() -> None:
    health.record_heartbeat(now=NOW)

    assert levels(machinery.workers(now=NOW + timedelta(seconds=9))) == {"workers": Level.WELL}


def test_without_a_heartbeat_it_is_said_who_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machinery, "PING_SECONDS", 0.1)
    health.record_heartbeat(now=NOW)

    (found,) = machinery.workers(now=NOW + timedelta(hours=1))

    assert found.level == Level.WRONG
    assert "No worker has answered for 3600 seconds" in found.sentence


def test_a_broker_that_evicts_is_wrong_and_one_that_forgets_is_noted(settings: Settings, tmp_path: Path) -> None:
    with running(tmp_path) as socket:
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"unix://{socket}"}}
        with health.broker_client() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            client.config_set("appendonly", "no")

        found = levels(machinery.broker())

    assert found == {"broker": Level.WELL, "broker-eviction": Level.WRONG, "broker-persistence": Level.NOTE}


def test_late_work_is_wrong() -> None:
    make_sign_up(created_at=NOW - timedelta(hours=1))

    assert levels(machinery.work(now=NOW)) == {"due-work": Level.WRONG}


def test_a_folder_that_is_none_is_wrong(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file stands where the folder should be")
    settings.MEDIA_ROOT = tmp_path / "media"

    assert levels(machinery.disk())["media-writable"] == Level.WRONG


def test_old_time_zone_data_is_noted() -> None:
    assert levels(machinery.time_zones(now=NOW)) == {"time-zones": Level.WELL}
    assert levels(machinery.time_zones(now=NOW.replace(year=2099))) == {"time-zones": Level.NOTE}


# --- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mailbox_mailers")
def test_a_site_on_this_machine_is_only_noted() -> None:
    found = [*configuration.site(), *configuration.secrets(), *configuration.mailers()]

    assert Level.WRONG not in levels(found).values()


@pytest.mark.usefixtures("public")
def test_a_public_site_that_is_set_up_well_has_nothing_wrong() -> None:
    found = levels([*configuration.site(), *configuration.secrets()])

    assert (found["site"], found["address-hash-key"]) == (Level.WELL, Level.WELL)
    assert Level.WRONG not in found.values()


def test_a_public_site_without_https_is_wrong(public: Settings) -> None:
    public.SITE_URL = "http://news.example.org"

    assert levels(configuration.site()) == {"site": Level.WRONG}


def test_https_that_nobody_takes_off_is_wrong(public: Settings) -> None:
    public.SECURE_PROXY_SSL_HEADER = None

    assert "BEHIND_PROXY=1" in sentences(configuration.site())


def test_debug_is_wrong_in_public(public: Settings) -> None:
    public.DEBUG = True

    assert levels(configuration.site())["debug"] == Level.WRONG


def test_the_suppression_list_needs_a_key_of_its_own(public: Settings) -> None:
    public.ADDRESS_HASH_KEY = public.SECRET_KEY

    assert levels(configuration.secrets())["address-hash-key"] == Level.WRONG


def test_a_mailbox_is_no_mail_server_for_a_public_site(public: Settings) -> None:
    public.MAILERS = {"default": environment.mailer("MAILER_URL", "mailbox:")}

    assert levels(configuration.mailers()) == {"mailer-default": Level.WRONG}


def test_a_mail_server_that_answers_is_well(smtp_mailers: SmtpServer) -> None:
    found = levels(configuration.mailers())

    assert found == {"mailer-default": Level.WELL, "mailer-campaigns": Level.WELL, "dkim": Level.NOTE}
    assert smtp_mailers.messages == []


def test_a_mail_server_that_is_away_is_wrong_and_its_password_is_not_shown(settings: Settings) -> None:
    settings.MAILERS = {"default": environment.mailer("MAILER_URL", "smtp://user:mail-secret@127.0.0.1:1")}

    found = list(configuration.mailers())

    assert levels(found)["mailer-default"] == Level.WRONG
    assert "mail-secret" not in sentences(found)


def test_a_provider_without_a_way_back_is_wrong(settings: Settings, http_server: HttpServer) -> None:
    url = f"postmark://token?api_url={http_server.url('/')}"
    settings.MAILERS = {"default": environment.mailer("MAILER_URL", url)}
    settings.WEBHOOK_SECRET = ""

    assert levels(configuration.mailers()) == {"mailer-default": Level.WELL, "webhooks": Level.WRONG}


def test_a_provider_that_cannot_be_reached_is_wrong(settings: Settings) -> None:
    settings.MAILERS = {"default": environment.mailer("MAILER_URL", "postmark://secret?api_url=http://127.0.0.1:1/")}

    found = list(configuration.mailers())

    assert levels(found)["mailer-default"] == Level.WRONG
    assert "secret" not in sentences(found).replace("WEBHOOK_SECRET", "")


def test_transports_are_told_that_are_left_out_or_belong_to_no_newsletter(settings: Settings) -> None:
    settings.NEWSLETTER_TRANSPORTS = {"offers": ("main",)}
    TransportOutage.objects.create(name="main", since=NOW, reason="401 Forbidden")
    TransportOutage.objects.create(name="spare", since=NOW, until=NOW + timedelta(minutes=1), reason="no connection")

    assert levels(configuration.transports(now=NOW)) == {
        "newsletter-transports": Level.WRONG, "transport-main": Level.WRONG, "transport-spare": Level.NOTE,
    }  # fmt: skip


# --- newsletters ------------------------------------------------------------------------------------------------------


def test_a_newsletter_with_everything_is_well() -> None:
    newsletter = make_newsletter(slug="news", cadences=["daily"], sender_address="news@gazette.news")
    make_schedule(newsletter=newsletter, cadence=Cadence.DAILY)

    assert levels(newsletters.newsletters()) == {"news": Level.WELL}


def test_a_cadence_that_nothing_serves_is_wrong() -> None:
    newsletter = make_newsletter(cadences=["daily", "weekly"], sender_address="news@gazette.news")
    make_schedule(newsletter=newsletter, cadence=Cadence.DAILY)
    make_schedule(newsletter=newsletter, cadence=Cadence.WEEKLY, is_active=False)

    (found,) = newsletters.newsletters()

    assert found.level == Level.WRONG
    assert "offers “once a week”, but has no active schedule" in found.sentence


def test_announcements_need_no_schedule() -> None:
    make_newsletter(slug="updates", kind=Newsletter.Kind.ANNOUNCEMENTS, sender_address="news@gazette.news")

    assert levels(newsletters.newsletters()) == {"updates": Level.WELL}


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    "fields",
    [{"postal_address": " "}, {"sender_address": "news@localhost"}, {"sender_address": "news@mail.example.org"}],
)
def test_a_newsletter_that_nobody_would_accept_is_wrong(fields: dict[str, str]) -> None:
    good = {"sender_address": "news@gazette.news"}
    make_newsletter(slug="news", kind=Newsletter.Kind.OFFERS, **{**good, **fields})

    assert levels(newsletters.newsletters()) == {"news": Level.WRONG}


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mailbox_mailers")
def test_the_command_ends_well_only_if_nothing_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    health.record_heartbeat(now=NOW.replace(year=2099))  # whatever the clock says, that is not long ago

    call_command("doctor", "--json")

    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    assert {finding["level"] for finding in answer["findings"]} == {"ok", "note"}


def test_the_command_says_what_is_wrong_and_fails(tmp_path: Path) -> None:
    run = manage(
        "doctor",
        DATABASE_URL=environment.sqlite_url(tmp_path / "empty.sqlite3"), REDIS_URL="redis://:broker-secret@127.0.0.1:1/0",
    )  # fmt: skip

    assert run.returncode == 1
    assert "migrations are not applied. Run: manage.py migrate" in run.stdout
    assert "The broker does not answer" in run.stdout
    assert "broker-secret" not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr
