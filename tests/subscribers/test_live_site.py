"""Which installation may mail: the live site, not a copy of its database nor an older state of it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from newsletter.delivery import dispatch
from newsletter.delivery.models import Campaign
from newsletter.lib import mail
from newsletter.subscribers import live_site
from newsletter.subscribers.models import LiveSite
from tests.factories import NOW, make_campaign, make_send
from tests.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("news_example")]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def news_example(settings: Settings, smtp_mailers: SmtpServer) -> None:
    """A live site that has mailed, and is now at NOW."""
    (settings.DATA_DIR / live_site.FILE).unlink(missing_ok=True)
    settings.SITE_URL = "https://news.example"
    live_site.note_life(now=NOW)


def send_one() -> None:
    mail.send(template="already_subscribed", to="ada@example.org", context={}, language="en")


def older(**delta: float) -> None:
    LiveSite.objects.update(lived_until=NOW - timedelta(**delta))


def test_live_site_mails_and_says_every_minute_that_it_lives(smtp_mailers: SmtpServer) -> None:
    for seconds in (10, 50, 70, 80):
        live_site.note_life(now=NOW + timedelta(seconds=seconds))

    assert live_site.doubt() is None
    assert LiveSite.objects.get().lived_until == cache.get(live_site.CACHE_KEY) == NOW + timedelta(seconds=70)


def test_copy_under_another_address_mails_nobody(settings: Settings, smtp_mailers: SmtpServer) -> None:
    settings.SITE_URL = "http://localhost:8000"

    with pytest.raises(mail.NotAccepted, match="a copy of") as held:
        send_one()
    live_site.note_life(now=NOW + 5 * MINUTE)

    assert not held.value.is_permanent
    assert smtp_mailers.messages == []
    assert (LiveSite.objects.get().host, LiveSite.objects.get().lived_until) == ("news.example", NOW)


def test_port_and_scheme_are_no_other_address(settings: Settings) -> None:
    settings.SITE_URL = "http://news.example:8443"

    assert live_site.doubt() is None


def test_copy_that_keeps_its_mail_goes_on(settings: Settings, mailbox_mailers: None) -> None:
    settings.SITE_URL = "http://staging.example"

    assert live_site.why_no_mail() == ""


def test_trial_on_this_machine_becomes_a_live_site_by_itself(settings: Settings) -> None:
    LiveSite.objects.all().delete()
    settings.SITE_URL = "http://localhost:8000"
    live_site.note_life(now=NOW)
    nothing = LiveSite.objects.exists()

    settings.SITE_URL = "https://news.example"
    live_site.note_life(now=NOW)

    assert not nothing
    assert live_site.doubt() is None
    assert LiveSite.objects.get().host == "news.example"


@pytest.mark.parametrize("known_by", ["broker", "file"])
def test_older_state_of_the_database_mails_nobody(settings: Settings, known_by: str) -> None:
    older(hours=5)
    if known_by == "broker":
        (settings.DATA_DIR / live_site.FILE).unlink()
    else:
        cache.clear()

    found = live_site.doubt()

    assert found
    assert (found.since, found.until) == (NOW - timedelta(hours=5), NOW)
    assert "an older state" in live_site.why_no_mail()


def test_doubt_lasts_when_the_broker_and_the_file_are_lost(settings: Settings) -> None:
    older(hours=5)
    live_site.note_life(now=NOW + MINUTE)

    cache.clear()
    (settings.DATA_DIR / live_site.FILE).unlink()

    assert live_site.doubt()
    assert live_site.confirm(now=NOW + 2 * MINUTE)
    assert live_site.doubt() is None


def test_what_a_fail_over_costs_is_no_older_state() -> None:
    older(minutes=2)

    assert live_site.doubt() is None


def test_clock_set_back_and_ahead_makes_no_doubt() -> None:
    for minutes in (60, 0, 1, 200, 5):
        live_site.note_life(now=NOW + minutes * MINUTE)
        assert live_site.doubt() is None
    assert LiveSite.objects.get().lived_until == NOW + 200 * MINUTE


def test_data_directory_that_cannot_be_written_is_logged_and_no_more(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DATA_DIR = settings.DATA_DIR / "not-there"

    live_site.note_life(now=NOW + 2 * MINUTE)

    assert "cannot be written" in caplog.text
    assert LiveSite.objects.get().lived_until == NOW + 2 * MINUTE


# --- campaigns, the desk, the command ---------------------------------------------------------------------------------
def test_campaign_waits_and_goes_on_once_it_is_confirmed(settings: Settings, smtp_mailers: SmtpServer) -> None:
    campaign = make_campaign()
    make_send(campaign=campaign)
    settings.SITE_URL = "https://staging.example"

    assert dispatch.drain(campaign, clock=lambda: NOW, seconds=5) == 0
    campaign.refresh_from_db()

    assert campaign.status == Campaign.Status.PAUSED
    assert campaign.resume_at == NOW + dispatch.RETRY_AFTER
    assert "a copy of news.example" in campaign.reason
    assert smtp_mailers.messages == []
    live_site.confirm(now=NOW)
    campaign.resume(NOW)
    assert dispatch.drain(campaign, clock=lambda: NOW, seconds=5) == 1


def test_desk_asks_and_only_then_lets_mail_go(settings: Settings, client: Client) -> None:
    settings.SITE_URL = "http://localhost:8000"
    client.force_login(User.objects.create_superuser("ada"))
    page = "/admin/subscribers/livesite/"

    today = client.get("/admin/").text
    question = client.get(page).text

    assert "This is a copy of news.example: it mails nobody." in today
    assert f'href="{page}"' in today
    assert "If both mail, every reader gets everything twice." in question
    assert live_site.doubt()
    assert "the live site now" in client.post(page, follow=True).text
    assert live_site.doubt() is None
    assert "Its mail goes out." in client.get(page).text


def test_who_may_only_look_cannot_decide(settings: Settings, client: Client) -> None:
    settings.SITE_URL = "http://localhost:8000"
    editor = User.objects.create_user("ben", is_staff=True)
    editor.user_permissions.add(Permission.objects.get(codename="view_livesite"))
    client.force_login(editor)

    assert client.post("/admin/subscribers/livesite/").status_code == 403
    assert live_site.doubt()


def test_command_says_and_decides(settings: Settings) -> None:
    older(hours=5)
    output = StringIO()

    with pytest.raises(SystemExit):
        call_command("live_site", stdout=output)
    call_command("live_site", "--confirm", stdout=output)
    call_command("live_site", stdout=output)

    assert "an older state" in output.getvalue()
    assert output.getvalue().endswith("within a minute.\nMail goes out.\n")
