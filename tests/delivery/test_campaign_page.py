"""The page of a campaign: its figures are the ledger's, what went wrong is told in the server's words."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from newsletter.delivery import books, campaigns, dispatch, tallies
from newsletter.delivery.desk.campaign import wording
from newsletter.delivery.desk.campaign.figures import figures
from newsletter.delivery.models import Campaign, Send, SpeedLimit, Tally
from newsletter.delivery.outcomes import Fate
from newsletter.delivery.throttle.groups import group_of
from newsletter.delivery.throttle.states import status
from newsletter.digests.models import Issue
from tests.factories import (
    NOW,
    make_article,
    make_campaign,
    make_editor,
    make_issue,
    make_newsletter,
    make_subscription,
)
from tests.servers.smtp import SmtpServer, Stage

READERS = ["ada@gmail.com", "bob@googlemail.com", "cleo@example.org", "dora@hotmail.fr", "emil@example.net"]


@pytest.fixture
def desk(db: None) -> Client:
    client = Client()
    client.force_login(make_editor(is_superuser=True))
    return client


@pytest.fixture
def campaign(db: None, smtp_mailers: SmtpServer) -> Campaign:
    """Five readers: one is refused, one put off, three get it."""
    newsletter = make_newsletter(slug="latest")
    for email in READERS:
        make_subscription(newsletter=newsletter, email=email)
    issue = make_issue(newsletter=newsletter, articles=[make_article()], status=Issue.Status.APPROVED, approved_at=NOW)
    launched = campaigns.launch(issue, now=NOW)
    assert launched
    smtp_mailers.refuse(Stage.RCPT, "550 5.1.1 <cleo@example.org> unknown", recipient="cleo@example.org")
    smtp_mailers.refuse(Stage.RCPT, "451 4.7.1 greylisted, id 3F2A91", recipient="dora@hotmail.fr")
    dispatch.drain(launched, clock=lambda: NOW, seconds=10)
    launched.refresh_from_db()
    return launched


def page_of(desk: Client, campaign: Campaign, **query: str) -> str:
    response = desk.get(reverse("admin:delivery_campaign_change", args=[campaign.pk]), query)
    assert response.status_code == 200
    return response.text


def test_page_tells_what_was_taken_put_off_and_refused_and_why(desk: Client, campaign: Campaign) -> None:
    page = page_of(desk, campaign)

    assert "<strong>3</strong> accepted" in page
    assert "<strong>1</strong> put off, to be tried again" in page
    assert "451 4.7.1 greylisted" in page
    assert "550 5.1.1" in page
    assert "cleo@example.org" not in page  # the server's words outlive a reader


def test_mails_that_are_still_being_created_are_not_done(desk: Client, campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(filled_to=1, filled_count=5, audience_count=50)

    page = page_of(desk, campaign)

    assert 'value="8"' in page  # four of fifty
    assert "50 readers in all" in page


def test_who_waits_for_a_speed_limit_is_not_said_to_have_met_a_silent_server(desk: Client, campaign: Campaign) -> None:
    campaign.sends.filter(status=Send.Status.DEFERRED).update(response="")

    page = page_of(desk, campaign)

    assert "a speed limit lets no more through at once" in page


def test_a_campaign_of_one_reader_a_second_is_told_of_in_the_singular(campaign: Campaign) -> None:
    now = figures(campaign, now=NOW)

    assert "One reader a second." in wording.told(replace(now, rate=0.9)).sentence
    assert "5 readers a second." in wording.told(replace(now, rate=5.2)).sentence


def test_page_tells_what_is_slowed_down_to_how_much_why_and_until_when(desk: Client, campaign: Campaign) -> None:
    now = timezone.now()
    slowed = SpeedLimit.objects.create(name="outlook.com")
    slowed.slow_down(observed=10, reason="451 4.7.1 too many mails", now=now)
    SpeedLimit.objects.create(name="gmail.com", per_second=0.2)
    SpeedLimit.objects.create(scope=SpeedLimit.Scope.NEWSLETTER, name="another", per_second=3)

    held = status(campaign, now=now)
    page = page_of(desk, campaign)

    assert [(each.name, each.whole_again_at) for each in held] == [
        ("gmail.com", None),
        ("outlook.com", now + timedelta(minutes=10)),
    ]
    assert "5 mails a second, slowed down" in page
    assert "451 4.7.1 too many mails" in page
    assert "12 mails a minute" in page
    assert "3 mails a second" not in page


def test_a_campaign_that_is_over_is_slowed_down_by_nothing(desk: Client, campaign: Campaign) -> None:
    SpeedLimit.objects.create(name="gmail.com", per_second=0.2)
    campaign.cancel(timezone.now())

    page = page_of(desk, campaign)

    assert "12 mails a minute" not in page


def test_tallies_are_the_ledgers_figures_by_group_of_domains(campaign: Campaign) -> None:
    groups = tallies.by_group(campaign)

    assert groups["gmail.com"].accepted == 2
    assert groups["outlook.com"].deferred == 1
    assert (groups[""].accepted, groups[""].refused) == (1, 1)
    assert sum(each.accepted for each in groups.values()) == campaign.sends.filter(status=Send.Status.SENT).count()


def test_tallies_of_two_workers_add_up(db: None) -> None:
    campaign, now = make_campaign(), timezone.now()

    tallies.add(campaign.pk, [("", Fate.ACCEPTED)] * 3 + [("gmail.com", Fate.UNKNOWN)], now=now)
    tallies.add(campaign.pk, [("", Fate.ACCEPTED)] * 2, now=now)
    tallies.add(campaign.pk, [("", Fate.ACCEPTED)], now=now + timedelta(minutes=1))

    assert Tally.objects.count() == 3
    assert tallies.by_group(campaign)[""].accepted == 6
    assert list(tallies.by_minute(campaign, since=now - timedelta(minutes=1)).values())[-1] == 1


def test_one_reader_is_found_by_address_however_it_is_written(desk: Client, campaign: Campaign) -> None:
    page = page_of(desk, campaign, address=" Dora@HOTMAIL.fr ")

    assert "dora@hotmail.fr" in page
    assert "Next attempt" in page


def test_an_address_that_is_not_in_it_is_said_so(desk: Client, campaign: Campaign) -> None:
    assert "Nobody with this address" in page_of(desk, campaign, address="nobody@example.org")


def test_living_part_answers_304_until_something_changes(desk: Client, campaign: Campaign) -> None:
    url = reverse("sending:campaign_progress", args=[campaign.pk])
    first = desk.get(url)
    again = desk.get(url, headers={"If-None-Match": first.headers["ETag"]})
    campaign.pause(reason="The mail server cannot be reached: refused")
    changed = desk.get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert "cannot be reached" in changed.text


def test_everybody_as_csv(desk: Client, campaign: Campaign) -> None:
    response = desk.get(reverse("sending:campaign_export", args=[campaign.pk]))

    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert {row["address"]: row["outcome"] for row in rows} == {
        "ada@gmail.com": "sent", "bob@googlemail.com": "sent", "cleo@example.org": "failed",
        "dora@hotmail.fr": "deferred", "emil@example.net": "sent",
    }  # fmt: skip


def test_csv_is_for_those_who_may_see_readers(campaign: Campaign) -> None:
    client = Client()
    person = User.objects.create_user("looker", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    client.force_login(person)

    answers = [client.get(reverse(f"sending:campaign_{what}", args=[campaign.pk])) for what in ("progress", "export")]

    assert [answer.status_code for answer in answers] == [200, 403]


def test_terminal_shows_the_same(campaign: Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("campaign", "latest", once=True, json=True)
    machine = json.loads(capsys.readouterr().out)
    call_command("campaign", f"latest/{campaign.issue.number}", once=True)
    person = capsys.readouterr().out

    assert machine["counts"]["sent"] == 3
    assert machine["groups"]["gmail.com"] == {"accepted": 2, "deferred": 0, "refused": 0}
    assert list(machine["put_off"].values()) == list(machine["refused"].values()) == [1]
    assert "3 accepted, 1 put off" in person
    assert "451 4.7.1 greylisted" in person


def test_unknown_outcome_is_shown_as_such_until_it_is_known_or_given_up(
    desk: Client, campaign: Campaign, smtp_mailers: SmtpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    smtp_mailers.forget()
    smtp_mailers.hang_up(Stage.STORED, recipient="dora@hotmail.fr")
    told = []

    for hours in (1, 2, 4):
        dispatch.drain(campaign, clock=lambda hours=hours: NOW + timedelta(hours=hours), seconds=10)  # type: ignore[misc]
        call_command("campaign", "latest", once=True)
        told.append((page_of(desk, campaign), capsys.readouterr().out))

    copies = [message.content for message in smtp_mailers.messages]
    assert copies == [copies[0]] * 2
    for shown, words in zip(
        told,
        ["outcome unknown, to be repeated once: "] + 2 * ["outcome unknown; not repeated again: "],
        strict=True,
    ):
        assert all(words in each for each in shown)
    assert told[-1][0].count("1</strong> put off") == 0


def test_who_may_have_two_copies_is_counted_and_shown(
    desk: Client, campaign: Campaign, smtp_mailers: SmtpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    smtp_mailers.forget()
    smtp_mailers.hang_up(Stage.STORED, recipient="dora@hotmail.fr", times=1)

    for hours in (1, 2):
        dispatch.drain(campaign, clock=lambda hours=hours: NOW + timedelta(hours=hours), seconds=10)  # type: ignore[misc]
    call_command("campaign", "latest", once=True, json=True)

    assert len(smtp_mailers.messages) == 2
    assert "1 reader may have two copies" in page_of(desk, campaign)
    assert json.loads(capsys.readouterr().out)["repeats"] == 1


def test_limits_are_told_on_the_terminal_as_well(campaign: Campaign, capsys: pytest.CaptureFixture[str]) -> None:
    SpeedLimit.objects.create(name="gmail.com", per_second=5)

    call_command("campaign", "latest", once=True)

    assert "gmail.com: 5 mails a second" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("a@gmail.com", "gmail.com"), ("a@GoogleMail.com", "gmail.com"), ("a@yahoo.co.uk", "yahoo.com"),
        ("a@hotmail.fr", "outlook.com"), ("a@me.com", "icloud.com"), ("a@me.example.com", ""), ("a@web.de", "web.de"),
        ("a@web.com", ""), ("a@gmail.example.org", ""), ("a@live.nl", "outlook.com"), ("a@example.org", ""), ("", ""),
    ],
)  # fmt: skip
def test_domains_of_one_provider_are_one_group(address: str, group: str) -> None:
    assert group_of(address) == group


def test_long_campaign_is_counted_once_for_all_who_look_in_its_first_minute(
    desk: Client, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "MOST_COUNTED", 2)
    assert not books.books_of([campaign])[campaign.pk].is_known

    first = page_of(desk, campaign)
    with CaptureQueriesContext(connection) as second:
        page_of(desk, campaign)

    assert books.books_of([campaign])[campaign.pk].of(Send.Status.SENT) == 3
    assert "<strong>3</strong> accepted" in first
    asked = [query["sql"] for query in second.captured_queries]
    assert not [sql for sql in asked if "GROUP BY" in sql and Send._meta.db_table in sql]
